"""Builds networks that turn RGB 0-255 into feature maps C2 to C5, at strides 4 to 32."""
