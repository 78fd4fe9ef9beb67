// The one place that numbers the operator schemas the kernels were written for. Raise it whenever
// the signature or the meaning of an operator changes: the library then refuses older builds.
#pragma once

#define GRAPHLAB_SCHEMA_VERSION 5
