package store

import (
	"context"
	"strconv"
	"strings"
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
