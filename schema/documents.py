"""Documents: parsed, measured and validated once, then kept by their text.

One small cache stands for Strawberry's two: its limits, given as factories, would build a new rule class for each
request, and the validation cache would never hit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    parse,
    specified_rules,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from app.errors import LimitExceeded
from schema import limits

KEPT = 500
MAX_KEPT_TEXT = 32 * 1024
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


class Documents:
    """The documents used last."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool, size: int = KEPT) -> None:
        self._schema = schema
        self._rules = RULES if introspection else CLOSED_RULES
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._size = size
        self.misses = 0

    def get(self, text: str) -> Document:
        """The document of a text; `GraphQLSyntaxError` for one that does not parse."""
        known = self._kept.get(text)
        if known is not None:
            self._kept.move_to_end(text)
            return known
        self.misses += 1
        made = self._read(text)
        if len(text) <= MAX_KEPT_TEXT:
            self._kept[text] = made
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return made

    def _read(self, text: str) -> Document:
        node = parse(text, max_tokens=limits.MAX_TOKENS)
        try:
            limits.check(node)
        except LimitExceeded as error:
            return Document(node, [GraphQLError(error.message, original_error=error)])
        fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
        return Document(node, validate_document(self._schema, node, self._rules), fragments)


class KnownDocuments(SchemaExtension):
    """Gives Strawberry the parsed and validated document."""

    def on_parse(self) -> Iterator[None]:
        """Put the document where Strawberry looks before it parses."""
        execution = self.execution_context
        schema: Any = execution.schema
        if execution.query:
            execution.graphql_document = schema.documents.get(execution.query).node
        yield

    def on_validate(self) -> Iterator[None]:
        """Put the errors where Strawberry looks before it validates."""
        execution = self.execution_context
        schema: Any = execution.schema
        if execution.query:
            execution.pre_execution_errors = schema.documents.get(execution.query).errors
        yield
