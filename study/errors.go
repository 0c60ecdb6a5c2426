package study

// UsageError is a mistake in what was asked for, and no failure in doing it.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// NothingError says that there is nothing to do it with.
type NothingError string

func (e NothingError) Error() string { return string(e) }
