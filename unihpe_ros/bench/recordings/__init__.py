"""The benchmark on recordings and its report."""
