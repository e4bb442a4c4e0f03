"""The GAN page, in parts."""
