"""GraphCLIP: pretraining, zero-shot, few-shot, link prediction."""
