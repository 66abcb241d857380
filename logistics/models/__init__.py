"""What is optimised: arrays in, arrays out; nothing here knows tables or scenarios."""
