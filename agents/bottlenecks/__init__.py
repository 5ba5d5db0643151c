from agents.bottlenecks.gumbel_softmax import GumbelSoftmax
def bottleneck(name, width, bits=2, **options):
    return GumbelSoftmax(width, 2**bits, **options)
