"""Documents: parsed, measured and validated once, then kept by their text.

One small cache stands for Strawberry's two: its limits, given as factories, would build a new rule class for each
request, and the validation cache would never hit. It is bounded by characters, since a syntax tree takes a hundred
times its text and each collection of garbage walks all of them, and the plans of an operation leave with its document.
What came once does not push out what comes again and again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
)

from app.errors import LimitExceeded
from schema import limits
from schema.introspected import Introspected
from schema.outline import outline
from schema.reading.serve import Reads
from schema.rules import errors_of

KEPT = 2**17
"""Characters of all texts that came again."""
KEPT_ONCE = 2**16
"""Characters of all texts that came once so far: one that has its values written in does not come again."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document, and what is wrong with it."""

    node: DocumentNode
    errors: list[GraphQLError] = field(default_factory=list)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    several: bool = False
    """Which of its operations is meant has to be said."""
    described: int = 0
    """Parts of the schema that the largest of its operations is told of."""
    unread: GraphQLError | None = None
    """Why it was not parsed."""


class Shelf:
    """Some documents by their texts, those used last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._characters = 0
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def look(self, text: str) -> Document | None:
        """The document of a text."""
        return self._kept.get(text)

    def renew(self, text: str) -> Document | None:
        """The document of a text, which counts as used."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
        return found

    def take(self, text: str) -> Document | None:
        """The document of a text, which leaves."""
        found = self._kept.pop(text, None)
        self._characters -= 0 if found is None else len(text)
        return found

    def put(self, text: str, document: Document) -> Iterator[Document]:
        """Keep a document; those that have to leave for it."""
        replaced = self.take(text)
        if replaced is not None:  # two sent it at the same moment, and both were read
            yield replaced
        self._kept[text] = document
        self._characters += len(text)
        while self._characters > self._size:
            old, dropped = self._kept.popitem(last=False)
            self._characters -= len(old)
            yield dropped


class Documents:
    """The documents used last."""

    def __init__(
        self, schema: GraphQLSchema, reads: Reads, *, introspection: bool, size: int = KEPT, once: int = KEPT_ONCE
    ) -> None:
        self._schema = schema
        self._reads = reads
        self._introspection, self._introspected = introspection, Introspected(schema)
        self._again, self._once = Shelf(size), Shelf(once)
        self.misses = 0

    def known(self, text: str) -> Document | None:
        """The document of a text, if it is kept."""
        return self._again.look(text) or self._once.look(text)

    def came(self, text: str) -> Document | None:
        """The document of a text that somebody sends, if it is kept: from the second time on for long."""
        found = self._again.renew(text)
        if found is None:
            found = self._once.take(text)
            if found is not None:
                self._drop(self._again.put(text, found))
        return found

    def get(self, text: str) -> Document:
        """The document of a text; `GraphQLError` for one that does not parse or is too large to be parsed."""
        found = self.known(text) or self.keep(text, self.read(text))
        if found.unread is not None:
            raise found.unread.with_traceback(None)
        return found

    def keep(self, text: str, document: Document) -> Document:
        """Keep what was read of a text."""
        self._reads.plans.allow(document.node)
        self._drop(self._once.put(text, document))
        return document

    def read(self, text: str) -> Document:
        """Parse, measure and validate a text; keeps nothing, so that it may run beside everything else."""
        self.misses += 1
        node = DocumentNode(definitions=())
        try:
            outline(text)
            node = _alone(parse(text))
            ends = limits.check(node)
        except LimitExceeded as error:
            refused = _refused(error)
            return Document(node, [refused], unread=None if node.definitions else refused)
        except GraphQLError as error:
            return Document(node, [error], unread=error.with_traceback(None))
        fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
        operations = [one for one in node.definitions if isinstance(one, OperationDefinitionNode)]
        errors = errors_of(self._schema, node, ends=ends, introspection=self._introspection)
        described = 0
        try:
            if not errors:
                described = max((self._introspected.objects(one, fragments) for one in operations), default=0)
        except LimitExceeded as error:
            errors = [_refused(error)]
        return Document(node, errors, fragments, len(operations) > 1, described=described)

    def _drop(self, dropped: Iterator[Document]) -> None:
        for document in dropped:
            self._reads.plans.forget(document.node)


def _alone(node: DocumentNode) -> DocumentNode:
    """A tree without the chain of its words: trees in circles go only when all that is kept is walked for garbage."""
    token = node.loc.start_token if node.loc else None
    while token is not None:
        following = token.next
        token.prev = token.next = None
        token = following
    return node


def _refused(error: LimitExceeded) -> GraphQLError:
    # Where it was raised holds all that was read.
    return GraphQLError(error.message, original_error=error.with_traceback(None))
