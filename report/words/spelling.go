package words

import (
	"strings"
)

// OneLine makes text from elsewhere safe to print: no line breaks, no control characters.
func OneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return strings.Join(strings.Fields(clean), " ")
}

func OrNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

func Processor(s string) string {
	if s == "" {
		return "unknown processor"
	}
	return s
}
