from agents.graphs.fixed import Full, Silent
def graph(spec, agents, width, reads, **options):
    return {"full": Full, "none": Silent}[spec](agents, width, reads, **options)
