"""Clustering of attributed graphs: SCGC, its autoencoder and its assignments."""
