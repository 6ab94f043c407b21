// SPDX-License-Identifier: MIT
// A program of C that loads a C++ library late and for nobody else: where memory runs out there,
// new throws as ever. Argument: the path of plugin.cpp's library.
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>

static int call(void* library, const char* name) {
  int (*function)(size_t) = NULL;
  *(void**)&function = dlsym(library, name);
  return function == NULL ? -1 : function((size_t)1 << 48);
}

int main(int count, char** arguments) {
  if (count != 2 || dlsym(RTLD_DEFAULT, "_ZSt15get_new_handlerv") != NULL) return 2;
  void* const library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  const int throws = call(library, "plugin_throws");
  const int handled = call(library, "plugin_calls_handler");
  const int gives_null = call(library, "plugin_gives_null");
  if (throws == 1 && handled == 11 && gives_null == 1) return 0;
  fprintf(stderr, "throws %d, handled %d, gives null %d\n", throws, handled, gives_null);
  return 1;
}
