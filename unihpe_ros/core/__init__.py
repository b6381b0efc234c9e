"""
Skeletons, cameras, crops and SimCC, for all other rooms; NumPy, SciPy and OpenCV only.

Conventions, said once for the whole package:

* N people, K keypoints, B batch; positions are ``(..., K, D)``, scores ``(..., K)``.
* An image is ``(H, W, 3)`` uint8 BGR. Pixel ``(x, y)``; the top-left pixel's centre is (0, 0).
* A box is x0 y0 x1 y1, px. A size is (w, h); a shape is (h, w).
* 3D is in m, camera optical frame (x right, y down, z forward; REP-103).
* Units are m, px, rad and s; anything else carries a suffix (``error_mm``).
* What is missing is NaN with score 0, never -1 and never the origin.
* A transform is named ``target_from_source``.

"""
