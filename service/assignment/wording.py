"""Why a grid answers, in words: the same facts give the same sentence."""

SENTENCES = {
    "inside": {
        "en": "The point lies in {grid}, {distance:.1f} m from its nearest border.",
        "zh": "该点在{grid}范围内，距最近边界 {distance:.1f} 米。",
    },
    "border": {
        "en": "The point lies exactly on a shared border; by rule {grid} answers (finest level, lowest code).",
        "zh": "该点正好在公共边界上，按规则（层级最细、编码最小）归{grid}。",
    },
    "nearest": {
        "en": "The point lies outside every grid; {grid} is nearest, {distance:.1f} m away, within tolerance.",
        "zh": "该点不在任何网格内，{grid}最近，相距 {distance:.1f} 米，在容差之内。",
    },
    "gap": {
        "en": "The ground is declared outside the grids; {grid} answers for its territory.",
        "zh": "此处为不划入区域，由属地{grid}兜底负责。",
    },
    "gap-nobody": {
        "en": "The ground is declared outside the grids and no grid above it answers.",
        "zh": "此处为不划入区域，且没有上级网格兜底。",
    },
    "outside": {
        "en": "The point lies outside every grid and farther than the tolerance from all of them.",
        "zh": "该点不在任何网格内，且与各网格的距离均超过容差。",
    },
    "vacant": {
        "en": " The post of {grid} is vacant; the leader of {parent} stands in.",
        "zh": "{grid}网格长空缺，由{parent}网格长代管。",
    },
    "ruling": {
        "en": " By the ruling of {day}, {grid} answers here.",
        "zh": "根据{day}的现场责任认定，由{grid}负责。",
    },
    "suspect": {
        "en": "Read as {crs} the point would lie in {grid}. Please check the coordinate system.",
        "zh": "若按 {crs} 读取，该点在{grid}内。请核对坐标系。",
    },
    "swapped": {
        "en": "With longitude and latitude swapped the point would lie in {grid}.",
        "zh": "若经纬度对调，该点在{grid}内。请核对顺序。",
    },
}


def sentence(key: str, locale: str, **facts: object) -> str:
    """Fill in a sentence in a language, English where it has none."""
    forms = SENTENCES[key]
    return forms.get(locale, forms["en"]).format(**facts)


DISTANCE = "{distance:.1f}"


def halves(key: str, locale: str, **facts: object) -> tuple[str, str | None]:
    """Fill in a sentence but for its distance: what comes before it and after it, None where it tells none."""
    forms = SENTENCES[key]
    before, told, after = forms.get(locale, forms["en"]).partition(DISTANCE)
    return before.format(**facts), after.format(**facts) if told else None
