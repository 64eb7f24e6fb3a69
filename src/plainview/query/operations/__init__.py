"""Operations: what became of jobs, stages, engines, batches, runs, agents and workers, from the events they told."""
