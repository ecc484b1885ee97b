"""Finding the surfaces that cameras see: the person, by rasterizing triangles, and the place, along rays."""
