// The branches' answers to keypoints, the lifting branch's input and the row that the host gets.
//
// The rules are those of core/simcc.py, core/crops.py and core/network_input.py.
#include "launch.cuh"
#include "scene.cuh"

struct ReadArgs {
  const float *simcc_x, *simcc_y, *visibility;  // (B, K, bins_x), (B, K, bins_y), (B, K)
  const View* views;
  const Crop* crops;
  float* keypoints;  // (B, K, 3) for the lifting branch
  float* rows;  // (B, row): downloaded to the host, see kernel_arguments.AnswerRows
  int count;  // K
  int bins_x, bins_y, row;
  int cell;  // bins that are read as one
  float ratio;  // bins per crop px
  float missing;  // score below which the lifting branch is not shown a keypoint
  float reach;  // bins from a keypoint within which is right
  float tolerance[26];  // bins, by keypoint
};

struct FinishArgs {
  const float* poses;  // (B, K, 3)
  const float *image_embedding, *pose_embedding;  // (B, D)
  float* rows;
  int count, width, row;  // K, D
  int unused;
};

struct Direction {
  double x, y;
};

struct Place {
  float position, share;
};

#define NOWHERE nan("")
// Of an axis: core/simcc.py makes cells of more than a quarter of the least tolerance.
#define MOST_CELLS 256

// The expected similarity of cell `place`: all cells, smoothed by the keypoint's tolerance.
DEVICE float similarity(const float* cells, int count, int place, float falloff) {
  float sum = 0.f;
  for (int i = 0; i < count; ++i) sum += cells[i] * expf(falloff * ((i - place) * (i - place)));
  return sum;
}

// A warp reads one axis of one keypoint: where the expected similarity is the highest.
DEVICE Place read_axis(
    const float* logits, int bins, int lane, const ReadArgs& a, float tolerance, float* cells) {
  int peak = lane < bins ? lane : 0;
  float top = logits[peak];
  for (int i = lane + LANES; i < bins; i += LANES) {
    if (logits[i] > top) {
      top = logits[i];
      peak = i;
    }
  }
  warp_argmax(top, peak);
  const int count = (bins + a.cell - 1) / a.cell;
  float total = 0.f;
  for (int i = lane; i < count; i += LANES) {
    const int last = (i + 1) * a.cell < bins ? (i + 1) * a.cell : bins;
    float mass = 0.f;
    for (int bin = i * a.cell; bin < last; ++bin) mass += expf(logits[bin] - top);
    cells[i] = mass;
    total += mass;
  }
  warp_sync();
  total = warp_sum(total);
  const float falloff = -0.5f * (a.cell / tolerance) * (a.cell / tolerance);
  float best = -1.f;
  int middle = 0;
  for (int i = lane; i < count; i += LANES) {
    const float here = similarity(cells, count, i, falloff);
    if (here > best) {
      best = here;
      middle = i;
    }
  }
  warp_argmax(best, middle);
  const float left = logf(similarity(cells, count, middle - 1, falloff) / total + 1e-30f);
  const float here = logf(best / total + 1e-30f);
  const float right = logf(similarity(cells, count, middle + 1, falloff) / total + 1e-30f);
  const float curvature = fminf(left - 2.f * here + right, -1e-6f);
  const float place = middle + fminf(fmaxf(0.5f * (left - right) / curvature, -1.f), 1.f);
  float near = 0.f;
  for (int i = lane; i < count; i += LANES) {
    near += cells[i] * fminf(fmaxf(a.reach / a.cell + 0.5f - fabsf(i - place), 0.f), 1.f);
  }
  near = warp_sum(near);
  warp_sync();  // The other axis takes the same memory.
  return {(place + 0.5f) * a.cell / a.ratio - 0.5f, near / total};
}

DEVICE Direction mapped(const double* m, double x, double y) {
  const double w = m[6] * x + m[7] * y + m[8];
  return {(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w};
}

// Where OpenCV's polynomial lens puts a ray, and how that moves with the ray.
DEVICE Direction lens_at(const double* k, double x, double y, double* slope) {
  const double r2 = x * x + y * y, r4 = r2 * r2, r6 = r4 * r2;
  const double above = 1 + k[0] * r2 + k[1] * r4 + k[4] * r6;
  const double below = 1 + k[5] * r2 + k[6] * r4 + k[7] * r6;
  const double c = above / below;
  const double dc = 2 * (k[0] + 2 * k[1] * r2 + 3 * k[4] * r4 -
                         c * (k[5] + 2 * k[6] * r2 + 3 * k[7] * r4)) / below;
  const double prism_x = 2 * k[8] + 4 * k[9] * r2, prism_y = 2 * k[10] + 4 * k[11] * r2;
  slope[0] = c + x * x * dc + 2 * k[2] * y + 6 * k[3] * x + prism_x * x;
  slope[1] = x * y * dc + 2 * k[2] * x + 2 * k[3] * y + prism_x * y;
  slope[2] = x * y * dc + 2 * k[2] * x + 2 * k[3] * y + prism_y * x;
  slope[3] = c + y * y * dc + 6 * k[2] * y + 2 * k[3] * x + prism_y * y;
  return {x * c + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x) + k[8] * r2 + k[9] * r4,
          y * c + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y + k[10] * r2 + k[11] * r4};
}

// Five fixed-point steps, then Newton's method, as Camera.rays does.
DEVICE Direction without_polynomial(const Lens& lens, Direction seen) {
  const double* k = lens.k;
  double x = seen.x, y = seen.y, slope[4];
  for (int step = 0; step < 5; ++step) {
    const double r2 = x * x + y * y, r4 = r2 * r2;
    const double inverse = (1 + ((k[7] * r2 + k[6]) * r2 + k[5]) * r2) /
                           (1 + ((k[4] * r2 + k[1]) * r2 + k[0]) * r2);
    if (inverse < 0) {
      x = seen.x;
      y = seen.y;
      break;
    }
    const double shift_x = 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x) + k[8] * r2 + k[9] * r4;
    const double shift_y = k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y + k[10] * r2 + k[11] * r4;
    x = (seen.x - shift_x) * inverse;
    y = (seen.y - shift_y) * inverse;
  }
  double error = 0;
  for (int step = 0; step <= 8; ++step) {
    const Direction arrived = lens_at(k, x, y, slope);
    const double off_x = arrived.x - seen.x, off_y = arrived.y - seen.y;
    error = lens.focal * fmax(fabs(off_x), fabs(off_y));
    if (!(error > 1e-6) || step == 8) break;
    const double determinant = slope[0] * slope[3] - slope[1] * slope[2];
    x -= (slope[3] * off_x - slope[1] * off_y) / determinant;
    y -= (slope[0] * off_y - slope[2] * off_x) / determinant;
  }
  if (!(error < 1e-2)) return {NOWHERE, NOWHERE};
  return {x, y};
}

DEVICE Direction without_fisheye(const Lens& lens, Direction seen) {
  const double* k = lens.k;
  const double radius = sqrt(seen.x * seen.x + seen.y * seen.y);
  if (radius < 1e-12) return seen;
  double angle = fmin(radius, 1.5), error = 0;
  for (int step = 0; step <= 12; ++step) {
    const double a2 = angle * angle;
    error = angle * (1 + a2 * (k[0] + a2 * (k[1] + a2 * (k[2] + a2 * k[3])))) - radius;
    if (!(lens.focal * fabs(error) > 1e-6)) break;
    angle -= error / (1 + a2 * (3 * k[0] + a2 * (5 * k[1] + a2 * (7 * k[2] + a2 * 9 * k[3]))));
  }
  if (!(lens.focal * fabs(error) < 1e-2) || !(angle > 0 && angle < 1.5707963)) {
    return {NOWHERE, NOWHERE};
  }
  const double longer = tan(angle) / radius;
  return {seen.x * longer, seen.y * longer};
}

// The viewing direction of an image point in the real camera, as Camera.rays.
DEVICE Direction ray_of(const Lens& lens, Direction pixel) {
  const Direction seen = mapped(lens.distorted_from_image, pixel.x, pixel.y);
  if (!lens.model) return seen;
  const Direction ray =
      lens.model == 1 ? without_polynomial(lens, seen) : without_fisheye(lens, seen);
  if (!(sqrt(ray.x * ray.x + ray.y * ray.y) <= lens.reach)) return {NOWHERE, NOWHERE};
  return ray;
}

// A warp (y) reads one keypoint of one person (z).
WARP_KERNEL(read_answer, ReadArgs) {
  const int lane = thread_x(), keypoint = thread_y(), person = thread_z();
  if (keypoint >= a.count) return;
  const long long place = (long long)person * a.count + keypoint;
  WARP_MEMORY(cells, MOST_CELLS);
  const float tolerance = a.tolerance[keypoint];
  const Place x = read_axis(a.simcc_x + place * a.bins_x, a.bins_x, lane, a, tolerance, cells);
  const Place y = read_axis(a.simcc_y + place * a.bins_y, a.bins_y, lane, a, tolerance, cells);
  if (lane) return;
  const float score = sqrtf(x.share * y.share) / (1.f + expf(-a.visibility[place]));
  float* row = a.rows + (long long)person * a.row;
  row[2 * keypoint] = x.position;
  row[2 * keypoint + 1] = y.position;
  row[2 * a.count + keypoint] = score;
  const Crop& crop = a.crops[person];
  const Direction pixel = mapped(crop.image_from_crop, x.position, y.position);
  const Direction ray = ray_of(a.views[crop.view].lens, pixel);
  const double* m = crop.virtual_from_camera;
  const double ahead = m[6] * ray.x + m[7] * ray.y + m[8];
  const float u = crop.scale * (m[0] * ray.x + m[1] * ray.y + m[2]) / ahead;
  const float v = crop.scale * (m[3] * ray.x + m[4] * ray.y + m[5]) / ahead;
  const bool shown = score >= a.missing && ahead > 1e-6 && isfinite(u) && isfinite(v);
  float* out = a.keypoints + 3 * place;
  out[0] = shown ? u : 0.f;
  out[1] = shown ? v : 0.f;
  out[2] = shown ? score : 0.f;
}

// A warp finishes one person's row (z): pose, agreement, embedding.
WARP_KERNEL(finish, FinishArgs) {
  const int lane = thread_x(), person = thread_z();
  float* row = a.rows + (long long)person * a.row + 3 * a.count;
  for (int i = lane; i < 3 * a.count; i += LANES) {
    row[i] = a.poses[(long long)person * 3 * a.count + i];
  }
  row += 3 * a.count;
  float cosine = 0.f;
  for (int i = lane; i < a.width; i += LANES) {
    const float one = a.image_embedding[(long long)person * a.width + i];
    cosine += one * a.pose_embedding[(long long)person * a.width + i];
    row[1 + i] = one;
  }
  cosine = warp_sum(cosine);
  if (!lane) row[0] = fminf(fmaxf(0.5f + 0.5f * cosine, 0.f), 1.f);
}
