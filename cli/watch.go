package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/cidbench/cidbench/report/words"
	"github.com/cidbench/cidbench/study"
)

// Screen is a terminal that can be drawn on.
type Screen interface {
	// Size is how many columns and rows it has.
	Size() (width, height int)
	// Keys has what is typed come as it is typed, Ctrl-C too, until restore is called.
	Keys() (keys <-chan byte, restore func())
}

// terminal is the one that the process has.
type terminal struct{ in, out *os.File }

func (t terminal) Size() (int, int) {
	width, height, err := term.GetSize(int(t.out.Fd()))
	if err != nil {
		return 80, 24
	}
	return width, height
}

func (t terminal) Keys() (<-chan byte, func()) {
	before, err := term.MakeRaw(int(t.in.Fd()))
	if err != nil { // stdin is no terminal: nothing can be typed
		return nil, func() {}
	}
	keys := make(chan byte)
	go func() {
		one := make([]byte, 1)
		for {
			if n, err := t.in.Read(one); n != 1 || err != nil {
				return
			}
			keys <- one[0]
		}
	}()
	return keys, func() { _ = term.Restore(int(t.in.Fd()), before) }
}

// unwatchedRows is how many rows a look takes at most where there is no screen.
const unwatchedRows = 24

// watch looks where a study stands, again and again, until nothing is left or the user has seen enough.
func (a *app) watch(ctx context.Context, s *study.Study, every time.Duration) error {
	w := s.Watch()
	if a.json || a.Screen == nil {
		for {
			at, err := w.Look(ctx)
			if err != nil {
				return err
			}
			if err := a.printLook(at); err != nil || at.Done() {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(every):
			}
		}
	}
	return a.watchScreen(ctx, w, every)
}

// printLook prints what was seen where there is no screen.
func (a *app) printLook(at *study.Standing) error {
	if !a.json {
		a.printf("%s\n\n", strings.Join(a.rows(at, 0, unwatchedRows), "\n"))
		return nil
	}
	line, err := document("status", at)
	if err == nil {
		_, err = a.Stdout.Write(append(line, '\n'))
	}
	return err
}

// What draws: to the screen that programs have for themselves and back, to its upper left, to the end of a row, and below.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	endOfRow    = "\x1b[K\r\n"
	below       = "\x1b[J"
)

// watchScreen draws what is seen, each second since the window may change, and leaves the last of it behind.
func (a *app) watchScreen(ctx context.Context, w *study.Watch, every time.Duration) error {
	keys, restore := a.Screen.Keys()
	fmt.Fprint(a.Stdout, enterScreen)
	at, err := a.drawLooks(ctx, w, every, keys)
	fmt.Fprint(a.Stdout, leaveScreen)
	restore()
	if at != nil {
		width, height := a.Screen.Size()
		fmt.Fprintln(a.Stdout, strings.Join(a.rows(at, width, height-1), "\n"))
	}
	return err
}

// A looked is what came of a look.
type looked struct {
	at  *study.Standing
	err error
}

// drawLooks returns what was drawn last.
func (a *app) drawLooks(ctx context.Context, w *study.Watch, every time.Duration, keys <-chan byte) (at *study.Standing, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	looks := make(chan looked, 1)
	look := func() {
		at, err := w.Look(ctx)
		looks <- looked{at, err}
	}
	go look()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var next <-chan time.Time
	for {
		select {
		case l := <-looks:
			if l.err != nil {
				return at, l.err
			}
			if at = l.at; at.Done() {
				return at, nil
			}
			next = time.After(every)
		case <-next:
			next = nil
			go look()
			continue
		case key := <-keys:
			switch key {
			case 'q', 'Q':
				return at, nil
			case 3: // Ctrl-C, which a terminal that hands on every key makes no signal of
				a.stop(errInterrupted)
			}
		case <-tick.C:
		case <-ctx.Done():
			return at, ctx.Err()
		}
		a.draw(at)
	}
}

// draw draws what was seen to the whole screen.
func (a *app) draw(at *study.Standing) {
	width, height := a.Screen.Size()
	rows := []string{"looking ..."}
	if at != nil {
		rows = a.rows(at, width, height-1)
	}
	rows = append(rows, cut("q ends this; the work goes on without it", width))
	var out bytes.Buffer
	out.WriteString(home)
	for _, row := range rows[:min(len(rows), height)] {
		out.WriteString(row + endOfRow)
	}
	text := strings.TrimSuffix(out.String(), "\r\n") + below // a line feed in the last row would scroll
	_, _ = io.WriteString(a.Stdout, text)
}

// rows say where a study stands, in a window of so many columns and rows; a width of 0 cuts nothing.
func (a *app) rows(at *study.Standing, width, height int) []string {
	rows := []string{
		fmt.Sprintf("%s  tier %s, %s: %s", at.At.Local().Format(time.TimeOnly), a.Tier, words.Count(at.Planned, "cell"), counted(at.Counts)),
		left(at),
	}
	if at.Analyses.Needed > 0 {
		rows = append(rows, analysesLine(at.Analyses))
	}
	if at.Unread > 0 {
		rows = append(rows, unread(at))
	}
	var failed, held []string
	for _, c := range at.Cells {
		name := fmt.Sprintf("  %-30s T %-5g seed %-4d ", c.Arm, c.Temperature, c.Seed)
		switch c.State {
		case study.Held:
			held = append(held, name+holder(c, at.At))
		default:
			failed = append(failed, name+words.OneLine(string(c.State)+": "+c.Reason))
		}
	}
	room := height - len(rows)
	listed := titled("failed or damaged", failed, room-min(len(held)+1, room/2))
	listed = append(listed, titled("held", held, room-len(listed))...)
	rows = append(rows, listed...)
	for i := range rows {
		rows[i] = cut(rows[i], width)
	}
	return rows[:min(len(rows), max(height, 1))]
}

// titled is a title with lines below it, in so many rows in all.
func titled(title string, lines []string, rows int) []string {
	if len(lines) == 0 || rows < 2 {
		return nil
	}
	if len(lines) > rows-1 {
		shown := max(rows-2, 0)
		lines = append(lines[:shown:shown], fmt.Sprintf("  ... and %d more", len(lines)-shown))
	}
	return append([]string{title}, lines...)
}

// cut shortens a line to a width; 0 is any.
func cut(line string, width int) string {
	runes := []rune(line)
	if width <= 0 || len(runes) <= width {
		return line
	}
	return string(runes[:width])
}
