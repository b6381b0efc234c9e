"""
Benchmarks on recordings: a model over a bag, and a report of it.

A report is made of BagResults, one for each model and recording, which hold figures for each
image and sums; every figure that is shown is worked out from them. So a report that is merged
from those of several machines is the report that one machine would have made.

"""
