// Lets the same source be a CUDA kernel and, in the tests, a plain function looped over threads.
//
// Every kernel takes one structure by value: KERNEL(name, Structure) { ... uses `a` ... }.
#pragma once

#ifdef __CUDACC__

#define DEVICE static __device__ __forceinline__
#define KERNEL(name, Structure) extern "C" __global__ void name(const Structure a)
#define WARP_KERNEL KERNEL
#define LANES 32
// Of a block, at most: kernels.WARPS.
#define WARPS 8

DEVICE int thread_x() { return blockIdx.x * blockDim.x + threadIdx.x; }
DEVICE int thread_y() { return blockIdx.y * blockDim.y + threadIdx.y; }
DEVICE int thread_z() { return blockIdx.z; }

DEVICE float warp_sum(float value) {
  for (int step = 16; step; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
  return value;
}

// Memory of a warp's own: `count` floats, written by some lanes and read by others after warp_sync.
#define WARP_MEMORY(name, count)                 \
  __shared__ float name##_of_warps[WARPS][count]; \
  float* const name = name##_of_warps[threadIdx.y]
DEVICE void warp_sync() { __syncwarp(); }

// The largest value of the warp and its place; of equal ones the first.
DEVICE void warp_argmax(float& value, int& place) {
  for (int step = 16; step; step /= 2) {
    const float other = __shfl_xor_sync(0xffffffffu, value, step);
    const int where = __shfl_xor_sync(0xffffffffu, place, step);
    if (other > value || (other == value && where < place)) {
      value = other;
      place = where;
    }
  }
}

#else

#include <math.h>

#define DEVICE static inline
#define LANES 1
// A call runs all threads: `grid` holds their number in x, y and z.
#define KERNEL(name, Structure)                                              \
  static void name##_thread(const Structure& a);                             \
  extern "C" int name##_bytes() { return sizeof(Structure); }                \
  extern "C" void name(const Structure* a, const int* grid) {                \
    for (at[2] = 0; at[2] < grid[2]; ++at[2])                                \
      for (at[1] = 0; at[1] < grid[1]; ++at[1])                              \
        for (at[0] = 0; at[0] < grid[0]; ++at[0]) name##_thread(*a);         \
  }                                                                          \
  static void name##_thread(const Structure& a)
// Where x counts the lanes of a warp: here one thread does the work of all.
#define WARP_KERNEL(name, Structure)                                         \
  KERNEL(name##_lane, Structure);                                            \
  extern "C" int name##_bytes() { return sizeof(Structure); }                \
  extern "C" void name(const Structure* a, const int* grid) {                \
    const int threads[3] = {1, grid[1], grid[2]};                            \
    name##_lane(a, threads);                                                 \
  }                                                                          \
  static void name##_lane_thread(const Structure& a)

static thread_local int at[3];
DEVICE int thread_x() { return at[0]; }
DEVICE int thread_y() { return at[1]; }
DEVICE int thread_z() { return at[2]; }
DEVICE float warp_sum(float value) { return value; }
DEVICE void warp_argmax(float&, int&) {}
#define WARP_MEMORY(name, count) static thread_local float name[count]
DEVICE void warp_sync() {}

#endif
