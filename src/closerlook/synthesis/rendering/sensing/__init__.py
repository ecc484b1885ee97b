"""What sensors do to surfaces before they are lit, and video to images after: resolution, blur, mosaic, compression."""
