package tensorfile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// What a pickle is made of, besides nil, bool, int64, float64, string and *Tensor. Lists and dictionaries are filled
// after they were made, so they are shared by pointer; they may hold themselves.
type (
	tuple []any
	list  struct{ items []any }
	// dict keeps its items in order, as Python does.
	dict struct{ items []item }
	item struct{ key, value any }
	// global is a type or function, as module.name.
	global string
	// long is a whole number of more than 64 bits, in two's complement, little-endian.
	long string
)

// Opcodes of pickle, as in Python's pickletools.
const (
	opProto, opFrame, opStop                             = 0x80, 0x95, '.'
	opMark, opPop, opPopMark                             = '(', '0', '1'
	opNone, opTrue, opFalse                              = 'N', 0x88, 0x89
	opBinInt, opBinInt1, opBinInt2, opLong1, opBinFloat  = 'J', 'K', 'M', 0x8a, 'G'
	opUnicode, opShortUnicode                            = 'X', 0x8c
	opString, opShortString, opBytes, opShortBytes       = 'T', 'U', 'B', 'C'
	opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3  = ')', 't', 0x85, 0x86, 0x87
	opEmptyList, opAppend, opAppends                     = ']', 'a', 'e'
	opEmptyDict, opSetItem, opSetItems                   = '}', 's', 'u'
	opPut, opLongPut, opMemoize, opGet, opLongGet        = 'q', 'r', 0x94, 'h', 'j'
	opGlobal, opStackGlobal, opReduce, opNewObj, opBuild = 'c', 0x93, 'R', 0x81, 'b'
	opPersistentID                                       = 'Q'
)

// unpickler reads pickles as data. Types and functions are names: what a call gives, and what a persistent id stands
// for, call and load say, for the few that they know. Each opcode takes at least a byte of the file and makes at most
// one value, so memory is in proportion to the pickle.
type unpickler struct {
	r    *bufio.Reader
	left int64 // bytes
	call func(function global, args tuple) (any, error)
	load func(id any) (any, error)

	stack []any
	marks []int // places of marks on the stack
	memo  map[uint32]any
}

// maxPickle is far above what the names and shapes of a checkpoint need, in bytes.
const maxPickle = 64 << 20

func newUnpickler(r io.Reader, size int64) *unpickler {
	refuse := func(what any) (any, error) { return nil, fmt.Errorf("%w: a pickle asks for %v", ErrFormat, what) }
	return &unpickler{
		r: bufio.NewReader(r), left: size,
		call: func(function global, _ tuple) (any, error) { return refuse(function) },
		load: refuse,
	}
}

// next reads the next pickle.
func (u *unpickler) next() (any, error) {
	u.stack, u.marks, u.memo = nil, nil, map[uint32]any{}
	start := u.left
	for {
		op, err := u.bytes(1)
		if err == nil && op[0] == opStop {
			if len(u.stack) != 1 || len(u.marks) > 0 {
				return nil, fmt.Errorf("%w: a pickle ends with %d values", ErrFormat, len(u.stack))
			}
			return u.stack[0], nil
		}
		if err == nil {
			err = u.do(op[0])
		}
		if err == nil && start-u.left > maxPickle {
			err = fmt.Errorf("%w: a pickle of more than %d bytes", ErrFormat, maxPickle)
		}
		if err != nil {
			return nil, fmt.Errorf("pickle, byte %d: %w", start-u.left, err)
		}
	}
}

// bytes reads so many.
func (u *unpickler) bytes(n int64) ([]byte, error) {
	if n < 0 || n > min(u.left, maxPickle) {
		return nil, fmt.Errorf("%w: %d bytes are wanted, %d are left", ErrFormat, n, u.left)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(u.r, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	u.left -= n
	return b, nil
}

// number reads a whole number of so many bytes without a sign.
func (u *unpickler) number(size int64) (uint64, error) {
	b, err := u.bytes(size)
	if err != nil {
		return 0, err
	}
	var whole [8]byte
	copy(whole[:], b)
	return binary.LittleEndian.Uint64(whole[:]), nil
}

// text reads a length of so many bytes, and as many bytes.
func (u *unpickler) text(size int64) (string, error) {
	n, err := u.number(size)
	if err != nil {
		return "", err
	}
	b, err := u.bytes(int64(n))
	if err == nil && !utf8.Valid(b) {
		err = fmt.Errorf("%w: a text is no UTF-8", ErrFormat)
	}
	return string(b), err
}

// line reads up to a line feed.
func (u *unpickler) line() (string, error) {
	const longest = 1 << 10
	var text []byte
	for {
		b, err := u.bytes(1)
		if err != nil || b[0] == '\n' {
			return string(text), err
		}
		if text = append(text, b[0]); len(text) > longest {
			return "", fmt.Errorf("%w: a name of more than %d bytes", ErrFormat, longest)
		}
	}
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

// pop takes the topmost values of the stack, above the last mark.
func (u *unpickler) pop(n int) ([]any, error) {
	floor := 0
	if len(u.marks) > 0 {
		floor = u.marks[len(u.marks)-1]
	}
	if len(u.stack)-n < floor {
		return nil, fmt.Errorf("%w: %d values are wanted of a stack of %d", ErrFormat, n, len(u.stack)-floor)
	}
	top := append([]any{}, u.stack[len(u.stack)-n:]...)
	u.stack = u.stack[:len(u.stack)-n]
	return top, nil
}

// popMark takes all above the last mark.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, fmt.Errorf("%w: there is no mark", ErrFormat)
	}
	top, err := u.pop(len(u.stack) - u.marks[len(u.marks)-1])
	u.marks = u.marks[:len(u.marks)-1]
	return top, err
}

func (u *unpickler) top() (any, error) {
	v, err := u.pop(1)
	if err != nil {
		return nil, err
	}
	u.push(v[0])
	return v[0], nil
}

// do obeys an opcode.
func (u *unpickler) do(op byte) error {
	switch op {
	case opProto:
		version, err := u.number(1)
		if err == nil && version > 5 {
			err = fmt.Errorf("%w: version %d of pickle", ErrFormat, version)
		}
		return err
	case opFrame:
		_, err := u.number(8)
		return err
	case opMark:
		u.marks = append(u.marks, len(u.stack))
	case opPop:
		_, err := u.pop(1)
		return err
	case opPopMark:
		_, err := u.popMark()
		return err
	case opPut, opLongPut, opMemoize, opGet, opLongGet:
		return u.remember(op)
	case opAppend, opAppends, opSetItem, opSetItems:
		return u.fill(op)
	case opGlobal, opStackGlobal, opReduce, opNewObj, opBuild, opPersistentID:
		return u.object(op)
	case opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3:
		var values []any
		var err error
		switch op {
		case opTuple:
			values, err = u.popMark()
		case opTuple1, opTuple2, opTuple3:
			values, err = u.pop(1 + int(op-opTuple1))
		}
		u.push(tuple(values))
		return err
	default:
		value, err := u.value(op)
		u.push(value)
		return err
	}
	return nil
}

// value makes what an opcode and the bytes after it say.
func (u *unpickler) value(op byte) (any, error) {
	switch op {
	case opNone:
		return nil, nil
	case opTrue, opFalse:
		return op == opTrue, nil
	case opEmptyList:
		return &list{}, nil
	case opEmptyDict:
		return &dict{}, nil
	case opBinInt:
		n, err := u.number(4)
		return int64(int32(n)), err
	case opBinInt1:
		n, err := u.number(1)
		return int64(n), err
	case opBinInt2:
		n, err := u.number(2)
		return int64(n), err
	case opLong1:
		return u.long()
	case opBinFloat:
		b, err := u.bytes(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case opUnicode, opString, opBytes:
		return u.text(4)
	case opShortUnicode, opShortString, opShortBytes:
		return u.text(1)
	}
	return nil, fmt.Errorf("%w: opcode %q is none that a checkpoint needs", ErrFormat, op)
}

func (u *unpickler) long() (any, error) {
	size, err := u.number(1)
	if err != nil {
		return nil, err
	}
	b, err := u.bytes(int64(size))
	if err != nil || size > 8 {
		return long(b), err
	}
	n := int64(0)
	for i := len(b) - 1; i >= 0; i-- {
		if n = n<<8 | int64(b[i]); i == len(b)-1 {
			n = int64(int8(b[i]))
		}
	}
	return n, nil
}

// remember puts the topmost value into the memo, or pushes one from there.
func (u *unpickler) remember(op byte) error {
	at, size := uint64(len(u.memo)), int64(1)
	if op == opLongPut || op == opLongGet {
		size = 4
	}
	if op != opMemoize {
		var err error
		if at, err = u.number(size); err != nil {
			return err
		}
	}
	if op == opGet || op == opLongGet {
		v, ok := u.memo[uint32(at)]
		if !ok {
			return fmt.Errorf("%w: there is no value %d in the memo", ErrFormat, at)
		}
		u.push(v)
		return nil
	}
	v, err := u.top()
	u.memo[uint32(at)] = v
	return err
}

// fill adds to a list or a dictionary.
func (u *unpickler) fill(op byte) (err error) {
	var values []any
	switch op {
	case opAppend:
		values, err = u.pop(1)
	case opSetItem:
		values, err = u.pop(2)
	default:
		values, err = u.popMark()
	}
	if err != nil {
		return err
	}
	holder, err := u.top()
	if err != nil {
		return err
	}
	switch holder := holder.(type) {
	case *list:
		if op == opAppend || op == opAppends {
			holder.items = append(holder.items, values...)
			return nil
		}
	case *dict:
		if (op == opSetItem || op == opSetItems) && len(values)%2 == 0 {
			for i := 0; i < len(values); i += 2 {
				holder.items = append(holder.items, item{values[i], values[i+1]})
			}
			return nil
		}
	}
	return fmt.Errorf("%w: items are added to what cannot hold them", ErrFormat)
}

// object makes a name, or what load and call know.
func (u *unpickler) object(op byte) error {
	switch op {
	case opGlobal:
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		u.push(global(module + "." + name))
		return err
	case opPersistentID:
		id, err := u.pop(1)
		if err != nil {
			return err
		}
		v, err := u.load(id[0])
		u.push(v)
		return err
	}
	two, err := u.pop(2)
	if err != nil {
		return err
	}
	switch op {
	case opStackGlobal:
		module, ok := two[0].(string)
		name, also := two[1].(string)
		if !ok || !also {
			return fmt.Errorf("%w: a name is no text", ErrFormat)
		}
		u.push(global(module + "." + name))
	case opBuild: // attributes of an object; those of a dictionary, such as _metadata, are not needed
		if _, ok := two[0].(*dict); !ok {
			return fmt.Errorf("%w: attributes are set of what has none", ErrFormat)
		}
		u.push(two[0])
	default:
		function, ok := two[0].(global)
		args, also := two[1].(tuple)
		if !ok || !also {
			return fmt.Errorf("%w: what is called is no function", ErrFormat)
		}
		v, err := u.call(function, args)
		u.push(v)
		return err
	}
	return nil
}
