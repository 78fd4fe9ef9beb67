"""What the table of faults leaves out, and why."""

from __future__ import annotations

#: Where the faults of a function are tested by hand: it calls a model, writes, trains or is made by
#: a fit.
BY_HAND: dict[str, str] = {
    "PretextTask.forward": "contrastive/pretext/test_tasks.py",
    "PretextTask.loss": "contrastive/pretext/test_tasks.py",
    "BayesianMDL.__init__": "hyper/test_bayesian_mdl.py",
    "CandidateVote.sample": "tag/gaugllm/test_edges.py",
    "CliqueSampler.__init__": "hyper/test_sampler.py",
    "ContextLabel.correct": "contrastive/pretext/test_context_label.py",
    "EarlyStopping.step": "tag/tape/test_ensemble.py",
    "Estimator.set_params": "test_estimator.py",
    "ExplanationGenerator.__init__": "tag/tape/test_explanations.py",
    "ExplanationTable.texts": "tag/tape/test_explanations.py",
    "FastRP.__init__": "embed/fastrp/test_estimator.py",
    "FastRP.neo4j": "embed/fastrp/test_estimator.py",
    "GFMRetriever.query": "tag/retrieval/gfm/test_gfm_retriever.py",
    "GraphCLIP.__init__": "tag/graphclip/test_model.py",
    "GraphCLIP.encode": "tag/graphclip/test_model.py",
    "GraphMAE.mask": "contrastive/hosts/test_graphmae.py",
    "GraphTextPairs.join": "tag/graphclip/test_selection.py",
    "HashingEncoder.__init__": "tag/embedding/test_hashing.py",
    "HypergraphReconstructor.__init__": "hyper/test_reconstructor.py",
    "LLMClient.acomplete": "tag/llm/test_wrong_arguments.py",
    "LLMClient.acomplete_many": "tag/llm/test_wrong_arguments.py",
    "LLMClient.complete": "tag/llm/test_client.py",
    "LLMClient.complete_many": "tag/llm/test_errors.py",
    "LLMClient.estimate": "tag/llm/test_client.py",
    "LLMClient.first_tokens": "tag/llm/test_wrong_arguments.py",
    "LLMClient.forget": "tag/llm/test_wrong_arguments.py",
    "LLMSummarizer.__init__": "tag/graphclip/test_summaries.py",
    "LLMSummarizer.summarize": "tag/graphclip/test_summaries.py",
    "LinkPredictor.__init__": "tag/graphclip/test_downstream.py",
    "Marioh.__init__": "hyper/test_marioh.py",
    "MultiHopQA.embedding": "datasets/test_multihop.py",
    "NodeEmbedding.fit": "embed/test_node_embedding.py",
    "NodeEmbedding.transform": "embed/test_node_embedding.py",
    "OpenIEExtractor.__init__": "tag/retrieval/test_openie.py",
    "OpenIEExtractor.estimate": "tag/retrieval/test_openie.py",
    "OpenIEExtractor.extract": "tag/retrieval/test_openie.py",
    "PPR.__init__": "embed/pagerank/test_fingerprints.py",
    "PPRFingerprints.__init__": "embed/pagerank/test_fingerprints.py",
    "PromptExperts.__init__": "tag/gaugllm/test_pipeline.py",
    "PromptTuner.fit": "tag/graphclip/test_downstream.py",
    "PromptTuner.predict": "tag/graphclip/test_downstream.py",
    "PromptTuner.predict_proba": "tag/graphclip/test_downstream.py",
    "PythonStdlib.get": "datasets/test_python_stdlib.py",
    "SCGC.embed": "contrastive/clustering/test_scgc.py",
    "SCGC.predict": "contrastive/clustering/test_scgc.py",
    "SHyReDataset.get": "datasets/test_shyre.py",
    "StoredDocuments.add": "tag/retrieval/test_retriever.py",
    "StoredDocuments.fit": "tag/retrieval/gfm/test_gfm_retriever.py",
    "StoredDocuments.index": "tag/retrieval/test_retriever.py",
    "StoredDocuments.remove": "tag/retrieval/test_retriever.py",
    "StoredDocuments.update": "tag/retrieval/test_retriever.py",
    "SubgraphStore.concat": "tag/graphclip/test_sampler.py",
    "TripleDataset.triples": "datasets/test_triples.py",
    "TunedTextEncoder.__call__": "tag/fine_tune/test_fine_tune.py",
    "TunedTextEncoder.__init__": "tag/fine_tune/test_fine_tune.py",
    "ZeroShotClassifier.evaluate": "tag/graphclip/test_downstream.py",
    "ZeroShotClassifier.fit": "tag/graphclip/test_zeroshot_nodes.py",
    "ZeroShotClassifier.predict": "tag/graphclip/test_zeroshot_nodes.py",
    "ZeroShotClassifier.predict_proba": "tag/graphclip/test_downstream.py",
    "ZeroShotClassifier.scores": "tag/graphclip/test_downstream.py",
    "ZeroShotClassifier.set_params": "tag/graphclip/test_downstream.py",
    "ZeroShotNodes.evaluate": "tag/graphclip/test_zeroshot_nodes.py",
    "ZeroShotNodes.predict": "tag/graphclip/test_zeroshot_nodes.py",
    "digits_knn": "datasets/test_digits.py",
    "knowledge_graph": "tag/retrieval/test_knowledge_graph.py",
    "read_triples": "datasets/test_triples.py",
    "score_choices": "tag/llm/test_choices.py",
    "score_classes": "tag/llm/real/test_transformers.py",
    "training_curves": "test_viz.py",
    "vote_edges": "tag/gaugllm/test_pipeline.py",
}

#: Functions that check nothing of their own.
NOTHING_TO_CHECK: dict[str, str] = {
    "PretextTask.__init__": "a base for tasks, which give it numbers that they have checked",
    "Untrained.fit": "it learns nothing and reads nothing",
    "ChatClient.complete_many": "a protocol, which others implement",
    "Estimator.get_params": "scikit-learn's own argument",
    "FastRP.propagate": "the older name, which passes its arguments on",
    "GraphCLIPPipeline.zero_shot": "its options are those of ZeroShotNodes",
    "LocalDataset.load": "PyG's own hook",
    "PythonStdlib.__init__": "a transform is any function",
    "QueryGNN.encode": "a part of forward, of what forward has checked",
    "QueryGNN.inner": "a part of forward, of what forward has checked",
    "QueryGNN.propagate": "a part of forward, of what forward has checked",
    "QueryGNN.score": "a part of forward, of what forward has checked",
    "QueryGNN.score_inner": "a part of forward, of what forward has checked",
    "QueryGNN.tables": "a part of forward, of what forward has checked",
    "format_report": "of facts that it is given by this module",
    "main": "words of a command, which its parser reads",
}

#: Results that may be NaN, as their documentation says.
UNDEFINED: tuple[str, ...] = ("concentration_shift",)

_ANY_LABELS = "any numbers name groups"
_PASS = "a single pass of a network, which looks at no values"
_LATER = "an estimator keeps its parameters as given and checks them in fit"
_APPENDED = "means to append to the features"
_MISSING = "NaN marks what is not known"

#: Rows that are right although they look wrong: name, argument, kind; ``*`` stands for all.
ALLOWED: dict[tuple[str, str, str], str] = {
    ("clustering_scores", "*", "negative"): _ANY_LABELS,
    ("clustering_scores", "*", "too large"): _ANY_LABELS,
    ("labels_per_class_split", "y", "too large"): _ANY_LABELS,
    ("random_split", "stratify", "too large"): _ANY_LABELS,
    ("corrected_labels", "labels", "too large"): _ANY_LABELS,
    ("embedding_map", "labels", "*"): _ANY_LABELS,
    ("linear_probe", "seed", "far below zero"): "torch takes any integer",
    ("SDCNAutoEncoder.forward", "x", "NaN"): _PASS,
    ("SDCNAutoEncoder.forward", "x", "infinite"): _PASS,
    ("MaskFeatures.__call__", "x", "NaN"): "it only erases",
    ("MaskFeatures.__call__", "x", "infinite"): "it only erases",
    ("MaskFeatures.expected_budget", "x", "NaN"): "it only counts",
    ("MaskFeatures.expected_budget", "x", "infinite"): "it only counts",
    ("PamCLoss.log_denominators", "cluster", "*"): "exact negatives read no clusters",
    ("PamCLoss.log_denominators", "num_clusters", "*"): "exact negatives read no clusters",
    ("BetaMixture.log_hardness", "cosine", "NaN"): "the loss has refused what is not finite",
    ("BetaMixture.log_hardness", "cosine", "infinite"): "the loss has refused what is not finite",
    ("NodeProperty.__init__", "bins", "None"): "is optional",
    ("AddFastRP.__init__", "attr_name", "None"): _APPENDED,
    (
        "AddTopologicalConcentration.__init__",
        "attr_name",
        "None",
    ): _APPENDED,
    ("AddTopologicalConcentration.__init__", "fill", "NaN"): _MISSING,
    ("AddTopologicalConcentration.__init__", "fill", "infinite"): "any number stands for none",
    ("TCReweight.is_due", "epoch", "far below zero"): "no epoch before the first is due",
    ("concentration_shift", "*", "NaN"): _MISSING,
    ("concentration_shift", "*", "infinite"): _MISSING,
    ("degree_groups", "degree", "floating point"): "degrees may be weighted",
    ("degree_groups", "degree", "too large"): "degrees may be weighted",
    ("CandidateVote.from_scores", "anchor", "too large"): "the number of nodes is not known here",
    ("CandidateVote.from_scores", "item", "too large"): "the number of nodes is not known here",
    ("CandidateVote.from_scores", "score", "NaN"): _MISSING,
    **{
        (name, argument, kind): _PASS
        for name, arguments in (
            ("GraphCLIP.embed", ("x", "pe")),
            ("PromptTuner.forward", ("x",)),
            ("RankedPredictionEncoder.project", ("weight", "bias")),
        )
        for argument in arguments
        for kind in ("NaN", "infinite")
    },
    **{
        ("adversarial_backward", argument, kind): "the training looks at the loss"
        for argument in ("x", "delta")
        for kind in ("NaN", "infinite")
    },
    ("PowersOfFastRP.merge", "weights", "None"): "powers side by side",
    ("collect_votes", "seed", "far below zero"): "any integer",
    **{
        ("collect_votes", argument, "too large"): "the number of things is not known here"
        for argument in ("anchor", "item")
    },
    **{
        ("PromptTuner.__init__", name, "*"): _LATER
        for name in ("supcon_weight", "epochs", "lr", "weight_decay")
    },
    ("Price.cost", "*", "half"): "an expected number of tokens",
    ("Limits.least_minutes", "*", "half"): "an expected number of tokens",
    ("ensemble_logits", "weights", "None"): "is optional",
    ("bars", "labels", "numbers"): "numbers are written as they are",
}


def allowed(name: str, argument: str, kind: str) -> bool:
    """Whether a row is right for a reason."""
    return any(
        (one, other, third) in ALLOWED
        for one in (name, "*")
        for other in (argument, "*")
        for third in (kind, "*")
    )
