"""Fine-tuning of language models on the labels of training nodes."""
