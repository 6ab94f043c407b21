# SPDX-License-Identifier: MIT
# What `cmake --install` puts where: libraries, headers, CMake package, pkg-config files.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ashlar")

set(installed_targets "")
foreach(library ashlar-static ashlar-shared ashlar-malloc ashlar-malloc-static)
  if(TARGET ${library})
    list(APPEND installed_targets ${library})
  endif()
endforeach()
if(NOT installed_targets)
  return()
endif()

install(TARGETS ${installed_targets} EXPORT ashlar-targets)
install(EXPORT ashlar-targets NAMESPACE ashlar:: DESTINATION "${package_dir}")

install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/src/ashlar" "${ASHLAR_GENERATED_DIR}/ashlar"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING
  PATTERN "*.hpp"
  PATTERN "*.h")

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/ashlar-config.cmake.in" "${PROJECT_BINARY_DIR}/ashlar-config.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ashlar-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ashlar-config.cmake"
              "${PROJECT_BINARY_DIR}/ashlar-config-version.cmake" DESTINATION "${package_dir}")

foreach(package ashlar ashlar-malloc)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${package}.pc.in"
                 "${PROJECT_BINARY_DIR}/${package}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${package}.pc"
          DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()

if(TARGET ashlar)
  install(TARGETS ashlar)
endif()
