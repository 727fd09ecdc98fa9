"""Everyday formulas: means and errors of pairs, running statistics, money, units, mechanics."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, Float32, Inexact, Int32, Num, Real

from jaxir import Uniform


def mean_of_pair(
    x: Float[Array, "*#s"],
    y: Float[Array, "*#s"],
    *,
    kind: Literal["arithmetic", "harmonic", "contraharmonic", "quadratic"],
) -> Float[Array, "*s"]:
    """a mean of the magnitudes of `x` and `y`"""
    a = jnp.abs(x) + 0.01
    b = jnp.abs(y) + 0.01
    if kind == "arithmetic":
        mean = (a + b) / 2
    elif kind == "harmonic":
        mean = 2 * a * b / (a + b)
    elif kind == "contraharmonic":
        mean = (a * a + b * b) / (a + b)
    else:
        mean = jnp.sqrt((a * a + b * b) / 2)
    return mean


def norm_of_pair(
    x: Float[Array, "*#s"], y: Float[Array, "*#s"], *, order: Literal["one", "two", "maximum", "octagonal"]
) -> Float[Array, "*s"]:
    """the length of the vector (`x`, `y`) in a chosen norm"""
    a = jnp.abs(x)
    b = jnp.abs(y)
    if order == "one":
        length = a + b
    elif order == "two":
        length = jnp.sqrt(a**2 + b**2)
    elif order == "maximum":
        length = jnp.maximum(a, b)
    else:
        length = jnp.maximum(jnp.maximum(a, b), 0.7071 * (a + b))
    return length


def prediction_error(
    prediction: Float[Array, "*s"],
    target: Float[Array, "*s"],
    *,
    metric: Literal["absolute", "squared", "relative", "symmetric"],
) -> Float[Array, "*s"]:
    """the error of the predictions `prediction` against the targets `target`"""
    difference = jnp.abs(prediction - target)
    if metric == "absolute":
        error = difference
    elif metric == "squared":
        error = difference * difference
    elif metric == "relative":
        error = difference / jnp.maximum(jnp.abs(target), 0.01)
    else:
        error = 2 * difference / (jnp.abs(prediction) + jnp.abs(target) + 0.01)
    return error


def percent_change(before: Float[Array, "*s"], after: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the change from `before` to `after` in percent"""
    return 100 * (after - before) / jnp.where(before == 0, 1, before)


def within_tolerance(x: Float[Array, "*s"], y: Float[Array, "*s"], tolerance: Float[Array, ""]) -> Int32[Array, "*s"]:
    """one where `x` and `y` agree within an absolute and a relative tolerance, else zero"""
    allowed = tolerance / 2 + 0.05 * jnp.abs(y)
    return (jnp.abs(x - y) <= allowed).astype(jnp.int32)


def parallel_resistance(first: Float[Array, "*#s"], second: Float[Array, "*#s"]) -> Float[Array, "*s"]:
    """the resistance of two resistors in parallel"""
    r1 = jnp.abs(first) + 0.1
    r2 = jnp.abs(second) + 0.1
    return r1 * r2 / (r1 + r2)


def voltage_divider(
    voltage: Float[Array, "*s"], upper: Float[Array, "*#s"], lower: Float[Array, "*#s"]
) -> Float[Array, "*s"]:
    """the output of a voltage divider"""
    return voltage * lower / jnp.maximum(jnp.abs(upper + lower), 0.1)


def moving_average_step(
    average: Inexact[Array, "*s"], value: Inexact[Array, "*s"], *, decay: Annotated[float, Uniform(0.5, 0.99)]
) -> Inexact[Array, "*s"]:
    """the next exponential moving average"""
    return decay * average + (1 - decay) * value


def double_smoothing_step(
    level: Float[Array, "*s"],
    trend: Float[Array, "*s"],
    value: Float[Array, "*s"],
    *,
    alpha: Annotated[float, Uniform(0.1, 0.9)],
    beta: Annotated[float, Uniform(0.1, 0.9)],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the next level and trend of Holt's smoothing"""
    forecast = level + trend
    new_level = forecast + alpha * (value - forecast)
    new_trend = trend + beta * (new_level - level - trend)
    return new_level, new_trend


def welford_step(
    count: Float[Array, ""], mean: Float[Array, "*s"], deviations: Float[Array, "*s"], value: Float[Array, "*s"]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the mean and the sum of squared deviations after the further value `value`"""
    delta = value - mean
    new_mean = mean + delta / (jnp.abs(count) + 1)
    return new_mean, deviations + delta * (value - new_mean)


def merge_variances(
    mean_a: Float[Array, "*s"],
    variance_a: Float[Array, "*s"],
    mean_b: Float[Array, "*s"],
    variance_b: Float[Array, "*s"],
    *,
    share: Annotated[float, Uniform(0.1, 0.9)],
) -> Float[Array, "*s"]:
    """the variance of a mixture of two groups"""
    within = share * variance_a + (1 - share) * variance_b
    gap = mean_a - mean_b
    return within + share * (1 - share) * gap**2


def deviation_from_running_mean(values: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """the deviation of each value from the mean of all values up to it"""
    counts = jnp.arange(1, values.shape[-1] + 1, dtype=values.dtype)
    return values - jnp.cumsum(values, axis=-1) / counts


def cumulative_return(
    returns: Float[Array, "*b n"], *, scale: Annotated[float, Uniform(0.1, 0.5)]
) -> Float[Array, "*b n"]:
    """the growth of one unit of money over the series of returns `returns`"""
    return jnp.cumprod(1 + scale * returns, axis=-1) - 1


def two_sum(x: Float32[Array, "*#s"], y: Float32[Array, "*#s"]) -> tuple[Float32[Array, "*s"], Float32[Array, "*s"]]:
    """the rounded sum of `x` and `y` and its rounding error"""
    total = x + y
    part = total - x
    error = (x - (total - part)) + (y - part)
    return total, error


def kahan_step(
    total: Float32[Array, "*s"], compensation: Float32[Array, "*s"], value: Float32[Array, "*s"]
) -> tuple[Float32[Array, "*s"], Float32[Array, "*s"]]:
    """one step of compensated summation"""
    corrected = value - compensation
    new_total = total + corrected
    return new_total, (new_total - total) - corrected


def compound_interest(
    principal: Float[Array, "*#s"], rate: Float[Array, "*#s"], *, periods: Literal[1, 2, 4, 12]
) -> Float[Array, "*s"]:
    """the value of `principal` after a year of interest, compounded several times"""
    return principal * (1 + 0.1 * rate / periods) ** periods


def annuity_payment(
    principal: Float[Array, "*#s"], rate: Float[Array, "*#s"], *, years: Literal[3, 5, 10, 30]
) -> Float[Array, "*s"]:
    """the yearly payment that repays a loan"""
    interest = 0.01 + 0.1 * jnp.abs(rate)
    discount = (1 + interest) ** -years
    return principal * interest / (1 - discount)


def present_value(
    cash_flows: Float[Array, "*b n"], *, rate: Annotated[float, Uniform(0.01, 0.2)]
) -> Float[Array, "*b"]:
    """the present value of a series of cash flows"""
    years = jnp.arange(cash_flows.shape[-1], dtype=cash_flows.dtype)
    return jnp.sum(cash_flows / (1 + rate) ** years, axis=-1)


def discounted_price(
    price: Float[Array, "*#s"], discount: Float[Array, "*#s"], *, tax: Annotated[float, Uniform(0.05, 0.25)]
) -> Float[Array, "*s"]:
    """the price after a discount, tax included"""
    return price * (1 - jnp.clip(discount, 0, 0.9)) * (1 + tax)


def progressive_tax(
    income: Float[Array, "*s"],
    *,
    first: Annotated[float, Uniform(0.2, 0.6)],
    second: Annotated[float, Uniform(0.8, 1.5)],
) -> Float[Array, "*s"]:
    """the tax on `income` under three brackets"""
    earned = jnp.abs(income)
    low = 0.1 * jnp.minimum(earned, first)
    middle = 0.25 * jnp.clip(earned - first, 0, second - first)
    high = 0.4 * jnp.maximum(earned - second, 0)
    return low + middle + high


def sharpe_ratio(
    gain: Float[Array, "*s"], volatility: Float[Array, "*s"], *, risk_free: Annotated[float, Uniform(0.0, 0.05)]
) -> Float[Array, "*s"]:
    """the excess return for each unit of risk"""
    return (gain - risk_free) / jnp.maximum(jnp.abs(volatility), 0.05)


def convert_temperature(
    celsius: Float[Array, "*s"], *, to: Literal["kelvin", "fahrenheit", "rankine", "reaumur"]
) -> Float[Array, "*s"]:
    """a temperature in degrees Celsius on another scale"""
    if to == "kelvin":
        converted = celsius + 273.15
    elif to == "fahrenheit":
        converted = celsius * 9 / 5 + 32
    elif to == "rankine":
        converted = (celsius + 273.15) * 9 / 5
    else:
        converted = celsius * 0.8
    return converted


def degrees_minutes_seconds(
    angle: Float32[Array, "*s"],
) -> tuple[Float32[Array, "*s"], Float32[Array, "*s"], Float32[Array, "*s"]]:
    """the degrees, minutes and seconds of an angle given in radians"""
    degrees = jnp.abs(angle) * (180 / jnp.pi)
    whole_degrees = jnp.floor(degrees)
    minutes = 60 * (degrees - whole_degrees)
    whole_minutes = jnp.floor(minutes)
    return whole_degrees, whole_minutes, 60 * (minutes - whole_minutes)


def fuel_consumption(
    litres: Float[Array, "*s"], kilometres: Float[Array, "*s"], *, unit: Literal["litres", "miles_per_gallon"]
) -> Float[Array, "*s"]:
    """the fuel consumption of a journey"""
    fuel = jnp.abs(litres) + 0.1
    distance = jnp.abs(kilometres) + 0.1
    if unit == "litres":
        consumption = 100 * fuel / distance
    else:
        consumption = (distance / 1.609344) / (fuel / 3.785412)
    return consumption


def standardize_units(
    x: Float[Array, "*b n"], offset: Float[Array, "#n"], factor: Float[Array, "#n"]
) -> Float[Array, "*b n"]:
    """the readings `x` converted by the offset `offset` and the factor `factor` of each column"""
    return (x - offset) * factor


def rescale_range(
    x: Float[Array, "*s"],
    *,
    old_low: Annotated[float, Uniform(-1.0, 0.0)],
    old_high: Annotated[float, Uniform(1.0, 3.0)],
    new_high: Annotated[float, Uniform(5.0, 255.0)],
) -> Float[Array, "*s"]:
    """`x` mapped from one range to another that starts at zero"""
    return (x - old_low) / (old_high - old_low) * new_high


def body_mass_index(mass: Float[Array, "*s"], height: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the body mass index"""
    return mass / jnp.square(jnp.maximum(jnp.abs(height), 0.1))


def kinetic_energy(mass: Float[Array, "*s"], velocity: Float[Array, "*s 3"]) -> Float[Array, "*s"]:
    """the kinetic energy of moving bodies"""
    speed_squared = velocity[..., 0] ** 2 + velocity[..., 1] ** 2 + velocity[..., 2] ** 2
    return mass * speed_squared / 2


def elastic_collision(
    mass_a: Float[Array, "*s"],
    mass_b: Float[Array, "*s"],
    velocity_a: Float[Array, "*s"],
    velocity_b: Float[Array, "*s"],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the velocities of two bodies after an elastic collision"""
    a = jnp.abs(mass_a) + 0.1
    b = jnp.abs(mass_b) + 0.1
    total = a + b
    after_a = ((a - b) * velocity_a + 2 * b * velocity_b) / total
    after_b = ((b - a) * velocity_b + 2 * a * velocity_a) / total
    return after_a, after_b


def thin_lens(
    focal_length: Float[Array, "*s"], distance: Float[Array, "*s"]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the image distance and the magnification of a thin lens"""
    f = jnp.abs(focal_length) + 0.1
    d = f + jnp.abs(distance) + 0.1
    image = f * d / (d - f)
    return image, -image / d


def ideal_gas_pressure(
    density: Float[Array, "*s"],
    temperature: Float[Array, "*s"],
    *,
    model: Literal["ideal", "van_der_waals"],
) -> Float[Array, "*s"]:
    """the pressure of a gas"""
    n = jnp.abs(density)
    if model == "ideal":
        pressure = n * 8.314 * temperature
    else:
        pressure = n * 8.314 * temperature / (1 + 0.2 * n) - 0.5 * n * n
    return pressure


def series_sum(
    first: Float[Array, "*#s"], ratio: Float[Array, "*#s"], *, terms: Literal[3, 4, 6, 8]
) -> Float[Array, "*s"]:
    """the sum of the leading terms of a geometric series"""
    q = ratio / 4
    return first * (1 - q**terms) / (1 - q)


def continued_fraction(x: Float[Array, "*s"], terms: Float[Array, "4"]) -> Float[Array, "*s"]:
    """a continued fraction in `x` with four partial denominators"""
    magnitude = jnp.abs(x)
    a, b, c, d = 0.5 + jnp.abs(terms)
    return a + magnitude / (b + magnitude / (c + magnitude / d))


def weighted_pair(
    x: Real[Array, "*s"],
    y: Real[Array, "*s"],
    *,
    x_weight: Annotated[int, Uniform(2, 5)],
    y_weight: Annotated[int, Uniform(2, 5)],
) -> Real[Array, "*s"]:
    """the difference of whole multiples of `x` and `y`"""
    return x_weight * x - y_weight * y


def squared_difference(
    x: Num[Array, "*#s"], y: Num[Array, "*#s"], *, form: Literal["square", "expanded"]
) -> Num[Array, "*s"]:
    """the square of the difference of `x` and `y`"""
    if form == "square":
        result = jnp.square(x - y)
    else:
        result = x * x - 2 * x * y + y * y
    return result
