"""Validation at the public border: one small function per kind of argument.

Every function returns the (possibly converted) value and raises an error that names the argument,
what was expected and what was given.
"""

from graphlab._checks.caller import warn_caller as warn_caller
from graphlab._checks.choices import check_choice as check_choice
from graphlab._checks.devices import check_device as check_device
from graphlab._checks.edges import check_edge_index as check_edge_index
from graphlab._checks.edges import check_edge_weight as check_edge_weight
from graphlab._checks.edges import check_message_edges as check_message_edges
from graphlab._checks.edges import check_num_nodes as check_num_nodes
from graphlab._checks.numbers import check_fraction as check_fraction
from graphlab._checks.numbers import check_int as check_int
from graphlab._checks.numbers import check_nonnegative as check_nonnegative
from graphlab._checks.numbers import check_positive as check_positive
from graphlab._checks.numbers import check_real as check_real
from graphlab._checks.sequences import check_list as check_list
from graphlab._checks.sequences import check_mapping as check_mapping
from graphlab._checks.sequences import check_text as check_text
from graphlab._checks.tensors import Array as Array
from graphlab._checks.tensors import check_distinct as check_distinct
from graphlab._checks.tensors import check_finite as check_finite
from graphlab._checks.tensors import check_full_precision as check_full_precision
from graphlab._checks.tensors import check_index as check_index
from graphlab._checks.tensors import check_matrix as check_matrix
from graphlab._checks.tensors import check_no_negative as check_no_negative
from graphlab._checks.tensors import check_pair as check_pair
from graphlab._checks.tensors import check_pointers as check_pointers
from graphlab._checks.tensors import check_range as check_range
from graphlab._checks.tensors import check_real_dtype as check_real_dtype
from graphlab._checks.tensors import check_same_device as check_same_device
from graphlab._checks.tensors import check_subset as check_subset
from graphlab._checks.tensors import check_tensor as check_tensor
from graphlab._checks.tensors import from_array as from_array
from graphlab._checks.tensors import plain as plain
from graphlab._checks.visibility import traced as traced
from graphlab._checks.visibility import trusted_values as trusted_values
from graphlab._checks.visibility import values_visible as values_visible
