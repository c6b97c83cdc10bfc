/* A TensorFlow Lite delegate for the tests: takes the SQRT and LOGISTIC nodes of floats of a net
 * and computes them itself, in plain C, through the interface that makers of accelerators use.
 *
 * Options: fail = create | prepare | numbers | later: refuse to be made, refuse the net, compute
 * something else, give up after some runs. claim = none: take no node.
 *
 * The structures are those of tensorflow/lite/core/c/common.h, as far as they are used.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { Ok = 0, Failed = 1, DelegateFailed = 2 };
enum { Float32 = 1 };
enum { Logistic = 14, Sqrt = 75 };

typedef struct { int size; int data[]; } IntArray;
typedef struct Context Context;
typedef struct Delegate Delegate;

typedef struct {
  int type;
  void *data;
  IntArray *dims;
  struct { float scale; int32_t zero; } params;
  int allocation_type;
  size_t bytes;
  const void *allocation;
  const char *name;
  Delegate *delegate;
  int buffer_handle;
  bool data_is_stale, is_variable;
  struct { int type; void *params; } quantization;
  void *sparsity;
  const IntArray *dims_signature;
} Tensor;

typedef struct {
  IntArray *inputs, *outputs, *intermediates, *temporaries;
  void *user_data;
} Node;

typedef struct {
  void *(*init)(Context *, const char *, size_t);
  void (*free)(Context *, void *);
  int (*prepare)(Context *, Node *);
  int (*invoke)(Context *, Node *);
  const char *(*profiling_string)(const Context *, const Node *);
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *registration_external;
  void *async_kernel;
  uint64_t inplace_operator;
} Registration;

struct Context {
  size_t tensors_size;
  int (*GetExecutionPlan)(Context *, IntArray **);
  Tensor *tensors;
  void *impl;
  int (*ResizeTensor)(Context *, Tensor *, IntArray *);
  void (*ReportError)(Context *, const char *, ...);
  int (*AddTensors)(Context *, int, int *);
  int (*GetNodeAndRegistration)(Context *, int, Node **, Registration **);
  int (*ReplaceNodeSubsetsWithDelegateKernels)(Context *, Registration, const IntArray *, Delegate *);
};

struct Delegate {
  void *data;
  int (*Prepare)(Context *, Delegate *);
  void *CopyFromBufferHandle, *CopyToBufferHandle, *FreeBufferHandle;
  int64_t flags;
  void *opaque_delegate_builder;
};

typedef struct { char fail[16]; bool none; int runs; } Settings;

/* What the interpreter hands to init() of the node that takes the place of a part. */
typedef struct {
  Delegate *delegate;
  IntArray *nodes, *inputs, *outputs;
} Part;

/* What passes between two steps has no memory of the interpreter's: then it is `own`. */
typedef struct { int code, from, to; float *own; } Step;
typedef struct { Settings *settings; int count; Step *steps; } Kernel;

static void *init(Context *context, const char *buffer, size_t length) {
  const Part *part = (const Part *)buffer;
  Kernel *kernel = calloc(1, sizeof *kernel);
  (void)length;
  kernel->settings = part->delegate->data;
  kernel->count = part->nodes->size;
  kernel->steps = calloc(kernel->count, sizeof(Step));
  for (int i = 0; i < kernel->count; i++) {
    Node *node;
    Registration *registration;
    context->GetNodeAndRegistration(context, part->nodes->data[i], &node, &registration);
    kernel->steps[i] = (Step){registration->builtin_code, node->inputs->data[0], node->outputs->data[0], NULL};
  }
  return kernel;
}

static void release(Context *context, void *data) {
  Kernel *kernel = data;
  (void)context;
  for (int i = 0; i < kernel->count; i++) free(kernel->steps[i].own);
  free(kernel->steps);
  free(kernel);
}

static int prepare(Context *context, Node *node) {
  (void)context, (void)node;
  return Ok;
}

static int invoke(Context *context, Node *node) {
  Kernel *kernel = node->user_data;
  const char *fail = kernel->settings->fail;
  if (!strcmp(fail, "later") && ++kernel->settings->runs > 40) {
    context->ReportError(context, "the accelerator does not answer");
    return Failed;
  }
  for (int i = 0; i < kernel->count; i++) {
    Step *step = &kernel->steps[i];
    size_t bytes = context->tensors[step->from].bytes;
    const float *in = context->tensors[step->from].data;
    float *out = context->tensors[step->to].data;
    for (int j = 0; j < i; j++)
      if (kernel->steps[j].to == step->from && kernel->steps[j].own) in = kernel->steps[j].own;
    if (!out) out = step->own = step->own ? step->own : malloc(bytes);
    for (size_t j = 0; j < bytes / sizeof(float); j++) {
      out[j] = step->code == Sqrt ? sqrtf(in[j]) : 1 / (1 + expf(-in[j]));
      if (!strcmp(fail, "numbers")) out[j] = 1 - out[j] / 2;
    }
  }
  return Ok;
}

static int claim(Context *context, Delegate *delegate) {
  Settings *settings = delegate->data;
  IntArray *plan;
  if (!strcmp(settings->fail, "prepare")) {
    context->ReportError(context, "the accelerator is in use");
    return DelegateFailed;
  }
  if (context->GetExecutionPlan(context, &plan) != Ok) return Failed;
  IntArray *nodes = malloc(sizeof *nodes + plan->size * sizeof(int));
  int size = plan->size, *copy = malloc(size * sizeof(int));
  memcpy(copy, plan->data, size * sizeof(int));
  nodes->size = 0;
  for (int i = 0; i < size && !settings->none; i++) {
    Node *node;
    Registration *registration;
    if (context->GetNodeAndRegistration(context, copy[i], &node, &registration) != Ok) return Failed;
    int code = registration->builtin_code;
    if ((code == Sqrt || code == Logistic) && context->tensors[node->inputs->data[0]].type == Float32)
      nodes->data[nodes->size++] = copy[i];
  }
  Registration kernel = {init, release, prepare, invoke, NULL, 0, "tyto-test", 1, NULL, NULL, 0};
  int status = context->ReplaceNodeSubsetsWithDelegateKernels(context, kernel, nodes, delegate);
  free(copy);
  free(nodes);
  return status;
}

__attribute__((visibility("default"))) Delegate *tflite_plugin_create_delegate(
    char **keys, char **values, size_t count, void (*report)(const char *)) {
  Settings *settings = calloc(1, sizeof *settings);
  Delegate *delegate = calloc(1, sizeof *delegate);
  *delegate = (Delegate){.data = settings, .Prepare = claim};
  for (size_t i = 0; i < count; i++) {
    if (!strcmp(keys[i], "fail")) strncpy(settings->fail, values[i], sizeof settings->fail - 1);
    if (!strcmp(keys[i], "claim")) settings->none = !strcmp(values[i], "none");
  }
  if (!strcmp(settings->fail, "create")) {
    report("no accelerator on this board");
    free(settings);
    free(delegate);
    return NULL;
  }
  return delegate;
}

__attribute__((visibility("default"))) void tflite_plugin_destroy_delegate(Delegate *delegate) {
  free(delegate->data);
  free(delegate);
}
