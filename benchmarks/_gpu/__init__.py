"""What the measurements on a GPU are made of: the device, inputs, steps of training, peers."""
