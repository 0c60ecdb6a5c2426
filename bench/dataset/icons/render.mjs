// Renders SVGs, a line of JSON each on stdin, as grey squares on white, one after the other on stdout: 0 is black, and a
// colour counts by its luma (ITU-R BT.601). Arguments: the folder of the packages, and the side in pixels.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { resolve } from "node:path";
import { once } from "node:events";

const { Resvg } = createRequire(resolve(process.argv[2], "icons.cjs"))("@resvg/resvg-js");
const side = Number(process.argv[3]);
let line = 0;
for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
	line++;
	let rgba;
	try {
		const svg = new Resvg(JSON.parse(text), {
			background: "white",
			fitTo: { mode: "width", value: side },
			font: { loadSystemFonts: false },
		});
		rgba = svg.render().pixels;
	} catch (error) {
		process.stderr.write(`line ${line}: ${error.message ?? error}\n`);
		process.exit(1);
	}
	const grey = Buffer.alloc(side * side);
	for (let i = 0; i < grey.length; i++) {
		grey[i] = (299 * rgba[4 * i] + 587 * rgba[4 * i + 1] + 114 * rgba[4 * i + 2] + 500) / 1000;
	}
	if (!process.stdout.write(grey)) await once(process.stdout, "drain");
}
