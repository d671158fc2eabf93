"""The deterministic campaign: the product's services on virtual time, virtual workers and a model store, under one seed."""
