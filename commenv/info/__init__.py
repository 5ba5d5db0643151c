"""Information theory: how many bits there are, and what they can buy.

entropy, mutual_information, kl_divergence,
conditional_mutual_information, jensen_shannon,
total_correlation, o_information                       of exact distributions
directed_information, transfer_entropy                 of two processes
partial_information                                    redundancy, unique information and synergy of two sources
wasserstein_dependency, cauchy_schwarz                 how far from independence, in other units
estimate_entropy, estimate_mutual_information          from samples, with an error bar and a permutation test
frequencies                                            the joint distribution of a sample, for the exact measures
capacity, symmetric_capacity, erasure_capacity,
z_capacity, gaussian_capacity,
peak_gaussian_capacity, quantised_gaussian_capacity,
burst_capacity                                         bits that a channel carries
finite_blocklength                                     bits that so many uses of it carry, with so few errors
contention_throughput                                  messages that get through to a shared medium
information_at_cost                                    bits that a message carries when symbols cost
rate_reward, conditional_rate_reward                   best reward at R bits a decision: F(R)
reward_upper_bound, leakage_bound                      reward that nobody can exceed
one_shot, speaking_one_shot, noisy_one_shot            best reward with a single message
entropy_coded                                          best reward with a single message of limited entropy
greedy_coupling, exact_coupling,
coupling_lower_bound                                   joint distributions of low entropy
entropy_bounded_partition, entropy_bounded_channel     signals of limited entropy that tell most
bottleneck_coupling                                    couplings through such a signal
distribution, stochastic                               checks of a probability vector and of a channel

Everything is in bits.
"""

from commenv.info.bottleneck import (
    BottleneckCoupling,
    BoundedChannel,
    Partition,
    bottleneck_coupling,
    entropy_bounded_channel,
    entropy_bounded_partition,
)
from commenv.info.capacity import (
    Capacity,
    capacity,
    erasure_capacity,
    finite_blocklength,
    gaussian_capacity,
    information_at_cost,
    peak_gaussian_capacity,
    quantised_gaussian_capacity,
    symmetric_capacity,
    z_capacity,
)
from commenv.info.coupling import (
    Coupling,
    coupling_lower_bound,
    exact_coupling,
    greedy_coupling,
    majorisation_bound,
    profile_bound,
)
from commenv.info.dependence import cauchy_schwarz, wasserstein_dependency
from commenv.info.distributions import distribution, frequencies, stochastic
from commenv.info.estimates import Estimate, estimate_entropy, estimate_mutual_information
from commenv.info.measures import (
    conditional_mutual_information,
    directed_information,
    entropy,
    jensen_shannon,
    kl_divergence,
    mutual_information,
    o_information,
    total_correlation,
    transfer_entropy,
)
from commenv.info.medium import BurstCapacity, burst_capacity, contention_throughput
from commenv.info.one_shot import OneShot, SpeakingOneShot, entropy_coded, noisy_one_shot, one_shot, speaking_one_shot
from commenv.info.partial_information import PartialInformation, partial_information
from commenv.info.rate_reward import (
    RateReward,
    conditional_rate_reward,
    leakage_bound,
    rate_reward,
    reward_upper_bound,
)

__all__ = [
    "BottleneckCoupling",
    "BoundedChannel",
    "BurstCapacity",
    "Capacity",
    "Coupling",
    "Estimate",
    "OneShot",
    "PartialInformation",
    "Partition",
    "RateReward",
    "SpeakingOneShot",
    "bottleneck_coupling",
    "burst_capacity",
    "capacity",
    "cauchy_schwarz",
    "conditional_mutual_information",
    "conditional_rate_reward",
    "contention_throughput",
    "coupling_lower_bound",
    "directed_information",
    "distribution",
    "entropy",
    "entropy_bounded_channel",
    "entropy_bounded_partition",
    "entropy_coded",
    "erasure_capacity",
    "estimate_entropy",
    "estimate_mutual_information",
    "exact_coupling",
    "finite_blocklength",
    "frequencies",
    "gaussian_capacity",
    "greedy_coupling",
    "information_at_cost",
    "jensen_shannon",
    "kl_divergence",
    "leakage_bound",
    "majorisation_bound",
    "mutual_information",
    "noisy_one_shot",
    "o_information",
    "one_shot",
    "partial_information",
    "peak_gaussian_capacity",
    "profile_bound",
    "quantised_gaussian_capacity",
    "rate_reward",
    "reward_upper_bound",
    "speaking_one_shot",
    "stochastic",
    "symmetric_capacity",
    "total_correlation",
    "transfer_entropy",
    "wasserstein_dependency",
    "z_capacity",
]
