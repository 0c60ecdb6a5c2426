package bench

// Paper is what a catalogue tests.
type Paper struct {
	Title, Authors string
	Link           string // where to read it
	Summary        string // how its claims are tested here, in a sentence
}
