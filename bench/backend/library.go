package backend

// #cgo linux LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stdlib.h>
// static const void *call(void *get) { return ((const void *(*)(void))get)(); }
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"
)

// openLibrary loads a shared library for good.
func openLibrary(path string) (unsafe.Pointer, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	runtime.LockOSThread() // dlerror is of the thread
	defer runtime.UnlockOSThread()
	handle := C.dlopen(name, C.RTLD_LAZY|C.RTLD_LOCAL)
	if handle == nil {
		return nil, errors.New(C.GoString(C.dlerror()))
	}
	return handle, nil
}

// registered are the names in go-xla of the plugins that this process has loaded.
var registered = struct {
	sync.Mutex
	names map[registration]string
}{names: map[registration]string{}}

type registration struct{ kind, path string }

// register loads the plugin and returns its name in go-xla. That is made of its kind, from which go-xla guesses what it
// can do with a plugin; under its path, a CPU plugin in a folder of CUDA's would be taken for CUDA's. A name that looks
// like a path keeps go-xla from opening all that it finds on its own.
func (p *Plugin) register() (string, error) {
	p.prepare()
	registered.Lock()
	defer registered.Unlock()
	as := registration{p.Kind, p.Path}
	if name, ok := registered.names[as]; ok {
		return name, nil
	}
	handle, err := openLibrary(p.Path)
	if err != nil {
		return "", err
	}
	function := C.CString(pjrt.GetPJRTApiFunctionName)
	defer C.free(unsafe.Pointer(function))
	get := C.dlsym(handle, function)
	if get == nil {
		return "", fmt.Errorf("it is no PJRT plugin: it has no function %s", pjrt.GetPJRTApiFunctionName)
	}
	api := C.call(get)
	if api == nil {
		return "", fmt.Errorf("%s returns nothing", pjrt.GetPJRTApiFunctionName)
	}
	name := fmt.Sprintf("/%s/%d", p.Kind, len(registered.names))
	if err := pjrt.RegisterPreloadedPlugin(name, uintptr(api)); err != nil {
		return "", err
	}
	registered.names[as] = name
	return name, nil
}
