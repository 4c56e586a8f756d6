"""The contract between the platform and a plugin, as rules; each has its reason and its cure."""

from core.testkit.rules import bounds, declared, schema, shipped, words, written
from core.testkit.rules.bench import bench
from core.testkit.rules.package import Package, Rule, Verdict, judged, package_of

RULES: tuple[Rule, ...] = (*declared.RULES, *written.RULES, *words.RULES, *schema.RULES, *shipped.RULES, *bounds.RULES)

__all__ = ["RULES", "Package", "Rule", "Verdict", "bench", "judged", "package_of"]
