package chaos

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What goes wrong with a request.
var requestFaults = []string{
	"reset before", "lost answer", "503", "503 and Retry-After", "stall", "slow", "request cut", "request flipped",
	"answer cut", "answer flipped", "request twice", "login page", "portal", "page not found", "clock skew refused",
}

// A proxy stands before a server, and does to requests what networks do.
type proxy struct {
	server string // its URL
	dice   *dice
	fault  func(kind, what string)
	next   http.Transport
}

// intercept puts a proxy before a server, and returns its URL.
func (s *storm) intercept(t *testing.T, server string, rate float64) string {
	p := &proxy{server: server, dice: newDice(s.seed, rate), fault: s.fault, next: http.Transport{MaxIdleConnsPerHost: 64}}
	front := httptest.NewServer(p)
	t.Cleanup(func() {
		front.CloseClientConnections() // of processes that were killed
		front.Close()
		p.next.CloseIdleConnections()
	})
	return front.URL
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := io.ReadAll(r.Body)
	if err != nil { // its sender was killed
		panic(http.ErrAbortHandler)
	}
	what := r.Method + " " + r.URL.RequestURI()
	kind, random := p.dice.throw(what, requestFaults)
	switch {
	case strings.HasPrefix(kind, "request ") && kind != "request twice" && len(request) == 0, strings.HasPrefix(kind, "answer ") && r.Method == http.MethodHead:
		kind = "lost answer" // there is nothing to damage
	}
	if kind != "" {
		p.fault(kind, what)
	}
	refuse := func(status int, code string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
	}
	switch kind {
	case "reset before":
		reset(w)
	case "503 and Retry-After":
		w.Header().Set("Retry-After", "1")
		fallthrough
	case "503":
		refuse(http.StatusServiceUnavailable, "SlowDown")
		return
	case "clock skew refused":
		refuse(http.StatusForbidden, "RequestTimeTooSkewed")
		return
	case "login page":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>Please log in.</body></html>")
		return
	case "portal":
		fmt.Fprint(w, "OK")
		return
	case "page not found":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		return
	case "stall":
		time.Sleep(upTo(random, 2*term))
		reset(w)
	case "slow":
		time.Sleep(upTo(random, term/2))
	case "request flipped":
		request = damaged(request, kind, random)
	case "request twice":
		_, _ = p.forward(r, bytes.NewReader(request), len(request))
	case "request cut":
		_, _ = p.forward(r, io.MultiReader(bytes.NewReader(request[:random.IntN(len(request))]), broken{}), len(request))
		reset(w)
	}
	a, err := p.forward(r, bytes.NewReader(request), len(request))
	if err != nil || kind == "lost answer" {
		reset(w)
	}
	p.answer(w, r, a, kind, random)
}

// An answer of the server, whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// forward sends a request to the server as it is, and reads the whole answer.
func (p *proxy) forward(r *http.Request, body io.Reader, size int) (answer, error) {
	request, err := http.NewRequestWithContext(r.Context(), r.Method, p.server+r.URL.RequestURI(), io.NopCloser(body))
	if err != nil {
		return answer{}, err
	}
	request.Header, request.Host, request.ContentLength = r.Header.Clone(), r.Host, int64(size)
	if size == 0 {
		request.Body = http.NoBody
	}
	response, err := p.next.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, data}, err
}

func (p *proxy) answer(w http.ResponseWriter, r *http.Request, a answer, kind string, random *rand.Rand) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if r.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	switch kind {
	case "answer flipped":
		a.body = damaged(a.body, kind, random)
	case "answer cut":
		a.body = damaged(a.body, "cut", random)
	}
	_, _ = w.Write(a.body)
	if kind == "answer cut" {
		panic(http.ErrAbortHandler)
	}
}

// reset ends the connection without an answer.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

// broken is the rest of a body that does not come.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
