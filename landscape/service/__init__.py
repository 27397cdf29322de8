"""Store, jobs, uploads and compute: what keeps work and gets it done."""
