"""Documents: parsed, measured and validated once, then kept by their text.

One small cache stands for Strawberry's two: its limits, given as factories, would build a new rule class for each
request, and the validation cache would never hit. It is bounded by characters, since a syntax tree takes a hundred
times its text, and the plans of an operation leave with its document.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
)
from strawberry.schema.schema import validate_document

from app.errors import LimitExceeded
from schema import limits
from schema.reading.serve import Reads

KEPT = 2**20
"""Characters of all texts that are kept."""
MAX_KEPT_TEXT = 2**14
"""Characters of a text that is kept: a longer one has its values written in, and does not come again."""

RULES: tuple[type[ASTValidationRule], ...] = tuple(specified_rules)
CLOSED_RULES = (*RULES, NoSchemaIntrospectionCustomRule)
"""The rules where the schema may not be asked for its types."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document that parsed, and what is wrong with it."""

    node: DocumentNode
    errors: list[GraphQLError] = field(default_factory=list)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    several: bool = False
    """Which of its operations is meant has to be said."""


class Documents:
    """The documents used last."""

    def __init__(self, schema: GraphQLSchema, reads: Reads, *, introspection: bool, size: int = KEPT) -> None:
        self._schema = schema
        self._reads = reads
        self._rules = RULES if introspection else CLOSED_RULES
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._size = size
        self._characters = 0
        self.misses = 0

    def known(self, text: str) -> Document | None:
        """The document of a text that came before, if it is kept."""
        known = self._kept.get(text)
        if known is not None:
            self._kept.move_to_end(text)
        return known

    def get(self, text: str) -> Document:
        """The document of a text; `GraphQLSyntaxError` for one that does not parse."""
        known = self.known(text)
        if known is not None:
            return known
        self.misses += 1
        made = self._read(text)
        if len(text) <= MAX_KEPT_TEXT:
            self._keep(text, made)
        return made

    def _keep(self, text: str, made: Document) -> None:
        self._kept[text] = made
        self._characters += len(text)
        self._reads.plans.allow(made.node)
        while self._characters > self._size:
            old, dropped = self._kept.popitem(last=False)
            self._characters -= len(old)
            self._reads.plans.forget(dropped.node)

    def _read(self, text: str) -> Document:
        node = parse(text, max_tokens=limits.MAX_TOKENS)
        try:
            limits.check(node)
        except LimitExceeded as error:
            return Document(node, [GraphQLError(error.message, original_error=error)])
        fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
        operations = [one for one in node.definitions if isinstance(one, OperationDefinitionNode)]
        errors = validate_document(self._schema, node, self._rules)
        return Document(node, errors, fragments, len(operations) > 1)
