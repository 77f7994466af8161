# SPDX-License-Identifier: MIT
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/optiform)
foreach(component IN LISTS OPTIFORM_COMPONENTS)
  # One export file per component: who asks for one is not asked for another's dependencies.
  install(TARGETS optiform_${component} EXPORT optiform-${component} FILE_SET HEADERS)
  install(EXPORT optiform-${component} NAMESPACE optiform:: DESTINATION ${destination})
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/optiform-config.cmake.in
  ${PROJECT_BINARY_DIR}/optiform-config.cmake INSTALL_DESTINATION ${destination})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/optiform-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/optiform-config.cmake
              ${PROJECT_BINARY_DIR}/optiform-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindSentencePiece.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindOneDnn.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindCblas.cmake
        DESTINATION ${destination})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
