"""GAugLLM: contrastive learning with views by a language model."""
