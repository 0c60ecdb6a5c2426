package backend

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// NVIDIA says what shows an NVIDIA card in this machine: a device, its driver, or the tool that comes with it; empty if
// nothing does.
func NVIDIA() string { return nvidia("/") }

func nvidia(root string) string {
	for _, pattern := range []string{"dev/nvidia[0-9]*", "proc/driver/nvidia/gpus/*", "proc/driver/nvidia"} {
		if found, _ := filepath.Glob(filepath.Join(root, pattern)); len(found) > 0 {
			return found[0]
		}
	}
	if tool, err := exec.LookPath("nvidia-smi"); err == nil {
		return tool
	}
	return ""
}

// CardMemory is the memory of the smallest NVIDIA card, in bytes, as its driver's tool says; 0 if nothing does. A PJRT
// plugin would know, but go-xla does not ask it.
func CardMemory(ctx context.Context) int64 {
	return smallest(query(ctx, "memory.total"))
}

// query asks the driver's tool about the cards, a line for each; empty if it does not answer.
func query(ctx context.Context, what string) string {
	text, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu="+what, "--format=csv,noheader,nounits").Output()
	if err != nil {
		return ""
	}
	return string(text)
}

// card reads lines like "NVIDIA H200, 580.65.06": each kind of card once, with its driver.
func card(lines string) string {
	var kinds []string
	for line := range strings.Lines(lines) {
		name, driver, ok := strings.Cut(strings.TrimSpace(line), ", ")
		if kind := name + ", driver " + driver; ok && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return strings.Join(kinds, "; ")
}

// smallest is the least of the numbers of mebibytes in lines, in bytes; 0 if one is none.
func smallest(lines string) (least int64) {
	for line := range strings.Lines(lines) {
		n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			return 0
		}
		if least == 0 || n<<20 < least {
			least = n << 20
		}
	}
	return least
}

// cudaLibraries are what a CUDA plugin opens by name, in the order in which JAX opens them.
var cudaLibraries = []string{
	"cuda_runtime/lib/libcudart.so.12", "cu13/lib/libcudart.so.13",
	"cuda_nvrtc/lib/libnvrtc.so.12", "cu13/lib/libnvrtc.so.13",
	"cublas/lib/libcublas.so.12", "cublas/lib/libcublasLt.so.12", "cu13/lib/libcublas.so.13", "cu13/lib/libcublasLt.so.13",
	"nccl/lib/libnccl.so.2",
	"cuda_cupti/lib/libcupti.so.12", "cu13/lib/libcupti.so.13",
	"cusparse/lib/libcusparse.so.12", "cu13/lib/libcusparse.so.12",
	"cusolver/lib/libcusolver.so.11", "cu13/lib/libcusolver.so.12",
	"cufft/lib/libcufft.so.11", "cu13/lib/libcufft.so.12",
	"nvshmem/lib/libnvshmem_host.so.3", "cudnn/lib/libcudnn.so.9",
}

// cudaFlag tells XLA where CUDA's compiler and device library are.
const cudaFlag = "--xla_gpu_cuda_data_dir="

// prepare opens NVIDIA's libraries from the wheels beside a CUDA plugin, so that the plugin, which asks for them by
// name, gets these. One that is missing is left to the system's loader; what the plugin lacks in the end it says.
func (p *Plugin) prepare() {
	if p.Kind != "cuda" {
		return
	}
	folder := beside(p.Path)
	if folder == "" {
		return
	}
	for _, name := range cudaLibraries {
		_, _ = openLibrary(filepath.Join(folder, name))
	}
	if flags := os.Getenv("XLA_FLAGS"); !strings.Contains(flags, cudaFlag) {
		_ = os.Setenv("XLA_FLAGS", strings.TrimSpace(flags+" "+cudaFlag+cudaData(folder)))
	}
}

// beside is the folder nvidia of the wheels, or of go-xla's installer, next to one of the plugin's folders.
func beside(path string) string {
	folder := filepath.Dir(path)
	for range 3 {
		if info, err := os.Stat(filepath.Join(folder, "nvidia")); err == nil && info.IsDir() {
			return filepath.Join(folder, "nvidia")
		}
		folder = filepath.Dir(folder)
	}
	return ""
}

// cudaData is where the wheels keep CUDA's compiler: by version 13 all is in one, before it has its own.
func cudaData(folder string) string {
	for _, name := range []string{"cu13", "cuda_nvcc"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil && info.IsDir() {
			return filepath.Join(folder, name)
		}
	}
	return folder
}
