"""Finding the surfaces that cameras see: the person, by rasterising triangles, and the place, along rays."""
