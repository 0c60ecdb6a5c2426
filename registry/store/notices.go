package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

type noticesKey struct{}

// WithNotices has what is done under a context tell say, a sentence at a time, what it waits for. say is called by
// several goroutines.
func WithNotices(ctx context.Context, say func(sentence string)) context.Context {
	return context.WithValue(ctx, noticesKey{}, say)
}

// Notice tells whoever wants to know; without WithNotices that is nobody.
func Notice(ctx context.Context, sentence string) {
	if say, ok := ctx.Value(noticesKey{}).(func(string)); ok {
		say(sentence)
	}
}

// Printable is text from a store that anybody may have written, for a line of output: control characters, and what
// is not UTF-8, are escaped as in Go.
func Printable(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if strconv.IsPrint(r) && (r != utf8.RuneError || n > 1) {
			out.WriteString(text[:n])
		} else {
			quoted := strconv.Quote(text[:n])
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[n:]
	}
	return out.String()
}

// PrintableLines is Printable of each line of a text.
func PrintableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Printable(line)
	}
	return strings.Join(lines, "\n")
}

// PrintableJSON is JSON that means the same as text, in which characters that are not for a line of output are escaped.
// JSON itself asks for that of a few.
func PrintableJSON(text []byte) []byte {
	var out []byte
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf || strconv.IsPrint(r):
			out = append(out, text[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[n:]
	}
	return out
}
