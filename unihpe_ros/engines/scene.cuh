// Structures of a batch that the kernels read; kernel_arguments.py has them as NumPy types.
#pragma once

// Halvings that leave a pixel of the largest image (32767 px a side).
#define MAX_HALVINGS 14

// The lens: from a pixel to a viewing direction.
struct Lens {
  double distorted_from_image[9];  // homography of px to the lens model's plane
  double k[12];  // OpenCV's order: k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4; of a fisheye k1 k2 k3 k4
  double reach;  // largest x/z the model is good for
  double focal;  // px
  long long model;  // 0 none, 1 polynomial, 2 fisheye
};

// One image.
struct View {
  const unsigned char* pixels;  // as it came
  unsigned char* halved;  // its reductions, BGR
  long long pitch;  // bytes from row to row of `pixels`
  long long offset[MAX_HALVINGS + 1];  // of each reduction in `halved`, bytes
  int width, height;  // px
  int encoding;  // see kernel_arguments.KERNEL_ENCODINGS
  int halvings;  // reductions that a crop reads
  Lens lens;
};

// One crop.
struct Crop {
  double image_from_crop[9];
  double virtual_from_camera[9];
  double scale;  // of virtual camera rays for the lifting branch
  float read_from_crop[9];  // homography into the picture that is read
  int view;
  int halvings;  // of the picture that is read
  int unused;
};
