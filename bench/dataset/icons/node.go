package icons

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

//go:embed render.mjs
var renderScript string

// maxAborts is the most icons on which the renderer may give up: some drawings end it with a panic that node cannot catch.
const maxAborts = 20

// Node renders with the renderer below a folder node_modules. Errors: exec.ErrNotFound if there is no node.
func Node(modules string) Render {
	return func(ctx context.Context, svgs []string, take func(i int, grey []uint8) error) error {
		aborts := 0
		for next := 0; next < len(svgs); next++ {
			done, err := renderSome(ctx, modules, svgs[next:], func(i int, grey []uint8) error { return take(next+i, grey) })
			next += done
			var ended *exec.ExitError
			if errors.As(err, &ended) && ended.ExitCode() < 0 && aborts < maxAborts { // by a signal
				aborts++
				err = take(next, nil)
			}
			if err = cmp.Or(ctx.Err(), err); err != nil {
				return err
			}
		}
		return nil
	}
}

// renderSome renders in one process, and says how many icons that gave.
func renderSome(ctx context.Context, modules string, svgs []string, take func(i int, grey []uint8) error) (done int, err error) {
	node := exec.CommandContext(ctx, "node", "--input-type=module", "--eval", renderScript, "render", modules, strconv.Itoa(renderSide))
	var lines, complaint bytes.Buffer
	for _, svg := range svgs {
		if err := json.NewEncoder(&lines).Encode(svg); err != nil {
			return 0, err
		}
	}
	node.Stdin, node.Stderr = &lines, &complaint
	out, err := node.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := node.Start(); err != nil {
		return 0, fmt.Errorf("icons are rendered by %s in node: %w", Renderer, err)
	}
	read := bufio.NewReaderSize(out, 1<<20)
	for ; done < len(svgs); done++ {
		grey := make([]uint8, renderSide*renderSide)
		if _, err = io.ReadFull(read, grey); err != nil {
			break
		}
		if err = take(done, grey); err != nil {
			_ = node.Process.Kill() // it may be writing what nobody reads
			_ = node.Wait()
			return done, err
		}
	}
	if ended := node.Wait(); ended != nil {
		err = fmt.Errorf("%s in node, at %.200s: %w: %s", Renderer, svgs[min(done, len(svgs)-1)], ended, lastLines(complaint.String()))
	}
	return done, err
}

// lastLines of what a program complained of.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-6):], "\n")
}
