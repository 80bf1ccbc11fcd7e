"""The rules by which documents are validated, and how much they say: a bomb's errors cost more than the bomb."""

from __future__ import annotations

import contextlib

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    NoFragmentCyclesRule,
    NoSchemaIntrospectionCustomRule,
    ValueNode,
    ValuesOfCorrectTypeRule,
    specified_rules,
    validate,
)
from graphql.language.visitor import SKIP, VisitorAction
from graphql.utilities import validate_input_literal
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

MAX_ERRORS = 10
"""Errors that one operation is told: each names what might have been meant, which is looked for among all names."""
MAX_ERRORS_OF_A_VALUE = 3
"""Errors of one argument: each quotes the whole value, which is written anew for each."""


class _Enough(Exception):
    """A value has shown enough errors."""


class ValuesRule(ValuesOfCorrectTypeRule):
    """Whether the values that are written in a document have their types; tells the first few errors of each."""

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        """Validate the value as a whole."""
        told = 0

        def tell(error: GraphQLError, _: list[str | int]) -> None:
            nonlocal told
            self.report_error(error)
            told += 1
            if told == MAX_ERRORS_OF_A_VALUE:
                raise _Enough

        if input_type is not None:
            with contextlib.suppress(_Enough):
                validate_input_literal(node, input_type, tell, None, None, self.context.hide_suggestions)
        return SKIP


RULES: tuple[type[ASTValidationRule], ...] = (
    *(ValuesRule if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
CLOSED_RULES = (*RULES, NoSchemaIntrospectionCustomRule)
"""The rules where the schema may not be asked for its types."""


def errors_of(schema: GraphQLSchema, document: DocumentNode, *, ends: bool, introspection: bool) -> list[GraphQLError]:
    """What is wrong with a document, at most `MAX_ERRORS` and a word that there were more.

    One whose fragments do not end (`ends`) hears only that: the other rules would walk in circles.
    """
    rules = (RULES if introspection else CLOSED_RULES) if ends else (NoFragmentCyclesRule,)
    return [_said(error) for error in validate(schema, document, rules, max_errors=MAX_ERRORS)]


def _said(error: GraphQLError) -> GraphQLError:
    """An error that has no cause but the document: what broke while a value was read is the sender's too."""
    return error if error.original_error is None else GraphQLError(error.message, error.nodes)
