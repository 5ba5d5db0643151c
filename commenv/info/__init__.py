"""Information theory: how many bits there are, and what they can buy.

entropy, mutual_information, kl_divergence             of exact distributions
estimate_entropy, estimate_mutual_information          from counts, with an error bar
capacity, symmetric_capacity, erasure_capacity,
z_capacity, gaussian_capacity,
peak_gaussian_capacity, quantised_gaussian_capacity,
burst_capacity                                         bits that a channel carries
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
from commenv.info.distributions import distribution, stochastic
from commenv.info.measures import (
    Estimate,
    entropy,
    estimate_entropy,
    estimate_mutual_information,
    kl_divergence,
    mutual_information,
)
from commenv.info.medium import BurstCapacity, burst_capacity, contention_throughput
from commenv.info.one_shot import OneShot, SpeakingOneShot, entropy_coded, noisy_one_shot, one_shot, speaking_one_shot
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
    "Partition",
    "RateReward",
    "SpeakingOneShot",
    "bottleneck_coupling",
    "burst_capacity",
    "capacity",
    "conditional_rate_reward",
    "contention_throughput",
    "coupling_lower_bound",
    "distribution",
    "entropy",
    "entropy_bounded_channel",
    "entropy_bounded_partition",
    "entropy_coded",
    "erasure_capacity",
    "estimate_entropy",
    "estimate_mutual_information",
    "exact_coupling",
    "gaussian_capacity",
    "greedy_coupling",
    "information_at_cost",
    "kl_divergence",
    "leakage_bound",
    "majorisation_bound",
    "mutual_information",
    "noisy_one_shot",
    "one_shot",
    "peak_gaussian_capacity",
    "profile_bound",
    "quantised_gaussian_capacity",
    "rate_reward",
    "reward_upper_bound",
    "speaking_one_shot",
    "stochastic",
    "symmetric_capacity",
    "z_capacity",
]
