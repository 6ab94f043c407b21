# SPDX-License-Identifier: MIT
# Fails the build when a library needs more than libc: cmake -DREADELF=.. -DLIBRARY=.. -P this.

execute_process(COMMAND ${READELF} -d ${LIBRARY} OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*\\[[^]]*\\]" entries "${dynamic}")
foreach(entry IN LISTS entries)
  string(REGEX REPLACE ".*\\[(.*)\\]" "\\1" needed "${entry}")
  if(NOT needed MATCHES "^(libc\\.so\\.6|ld-linux.*)$")
    message(FATAL_ERROR "${LIBRARY} needs ${needed}; it may need libc.so.6 alone")
  endif()
endforeach()
