// Images as cameras give them to the image branch's input: reductions by area, then all crops.
//
// The arithmetic is that of core/preprocess.py (OpenCV): 2x2 means rounded to whole grey levels,
// bilinear reading between them, black outside, rounded again before the normalisation.
#include "launch.cuh"
#include "scene.cuh"

struct HalveArgs {
  const View* views;
  int halvings;  // of the picture that is made
  int unused;
};

struct CutArgs {
  const View* views;
  const Crop* crops;
  float* batch;  // (B, 3, height, width)
  int width, height;
  int rgb;  // order of the channels in `batch`
  float scale[3], offset[3];  // normalised = grey * scale + offset, in the order of `batch`
  int unused;
};

enum Encoding { BGR, RGB, MONO, YUYV, UYVY, NV12, NV21, BGRA, RGBA };

struct Pixel {
  int b, g, r;
};

DEVICE int clamped(int value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

// ITU-R BT.601, studio range, in 20 fractional bits, as OpenCV has it.
DEVICE Pixel from_yuv(int y, int u, int v) {
  const int half = 1 << 19, luma = (y > 16 ? y - 16 : 0) * 1220542;
  u -= 128;
  v -= 128;
  return {clamped((luma + half + 2116026 * u) >> 20),
          clamped((luma + half - 409993 * u - 852492 * v) >> 20),
          clamped((luma + half + 1673527 * v) >> 20)};
}

DEVICE Pixel raw(const View& view, int x, int y) {
  const unsigned char* row = view.pixels + y * view.pitch;
  const unsigned char* p;
  switch (view.encoding) {
    case RGB:
      p = row + 3 * x;
      return {p[2], p[1], p[0]};
    case MONO:
      return {row[x], row[x], row[x]};
    case YUYV:
      p = row + 4 * (x / 2);
      return from_yuv(row[2 * x], p[1], p[3]);
    case UYVY:
      p = row + 4 * (x / 2);
      return from_yuv(row[2 * x + 1], p[0], p[2]);
    case NV12:
    case NV21: {
      p = view.pixels + (view.height + y / 2) * view.pitch + 2 * (x / 2);
      const int second = view.encoding == NV12;
      return from_yuv(row[x], p[1 - second], p[second]);
    }
    case BGRA:
      p = row + 4 * x;
      return {p[0], p[1], p[2]};
    case RGBA:
      p = row + 4 * x;
      return {p[2], p[1], p[0]};
    default:
      p = row + 3 * x;
      return {p[0], p[1], p[2]};
  }
}

DEVICE Pixel read(const View& view, int halvings, int x, int y) {
  if (!halvings) return raw(view, x, y);
  const long long width = view.width >> halvings;
  const unsigned char* p = view.halved + view.offset[halvings] + 3 * (y * width + x);
  return {p[0], p[1], p[2]};
}

// One thread makes one pixel of one image's reduction; z counts the images.
KERNEL(halve, HalveArgs) {
  const View& view = a.views[thread_z()];
  const int x = thread_x(), y = thread_y();
  const int width = view.width >> a.halvings, height = view.height >> a.halvings;
  if (a.halvings > view.halvings || x >= width || y >= height) return;
  Pixel sum = {2, 2, 2};
  for (int corner = 0; corner < 4; ++corner) {
    const Pixel one = read(view, a.halvings - 1, 2 * x + corner % 2, 2 * y + corner / 2);
    sum.b += one.b;
    sum.g += one.g;
    sum.r += one.r;
  }
  unsigned char* p = view.halved + view.offset[a.halvings] + 3 * ((long long)y * width + x);
  p[0] = sum.b >> 2;
  p[1] = sum.g >> 2;
  p[2] = sum.r >> 2;
}

// One thread makes one pixel of one crop, three channels; z counts the crops.
KERNEL(cut, CutArgs) {
  const int x = thread_x(), y = thread_y(), row = thread_z();
  if (x >= a.width || y >= a.height) return;
  const Crop& crop = a.crops[row];
  const View& view = a.views[crop.view];
  const int width = view.width >> crop.halvings, height = view.height >> crop.halvings;
  const float* m = crop.read_from_crop;
  const float w = 1.f / (m[6] * x + m[7] * y + m[8]);
  const float u = (m[0] * x + m[1] * y + m[2]) * w, v = (m[3] * x + m[4] * y + m[5]) * w;
  float b = 0.f, g = 0.f, r = 0.f;
  if (u > -1.f && v > -1.f && u < width && v < height) {
    const int left = (int)floorf(u), top = (int)floorf(v);
    const float right_share = u - left, bottom_share = v - top;
    for (int corner = 0; corner < 4; ++corner) {
      const int tap_x = left + corner % 2, tap_y = top + corner / 2;
      if (tap_x < 0 || tap_y < 0 || tap_x >= width || tap_y >= height) continue;
      const float weight = (corner % 2 ? right_share : 1.f - right_share) *
                           (corner / 2 ? bottom_share : 1.f - bottom_share);
      const Pixel tap = read(view, crop.halvings, tap_x, tap_y);
      b += weight * tap.b;
      g += weight * tap.g;
      r += weight * tap.r;
    }
  }
  const float grey[3] = {rintf(a.rgb ? r : b), rintf(g), rintf(a.rgb ? b : r)};
  const long long plane = (long long)a.width * a.height;
  float* out = a.batch + 3 * row * plane + (long long)y * a.width + x;
  for (int c = 0; c < 3; ++c) out[c * plane] = grey[c] * a.scale[c] + a.offset[c];
}
