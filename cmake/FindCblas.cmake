# SPDX-License-Identifier: MIT
# Finds a library with the C interface of BLAS, OpenBLAS first; defines Cblas::Cblas.
find_path(Cblas_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas)
find_library(Cblas_LIBRARY NAMES openblas blis cblas)
mark_as_advanced(Cblas_INCLUDE_DIR Cblas_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Cblas REQUIRED_VARS Cblas_LIBRARY Cblas_INCLUDE_DIR)

if(Cblas_FOUND AND NOT TARGET Cblas::Cblas)
  add_library(Cblas::Cblas INTERFACE IMPORTED)
  set_target_properties(Cblas::Cblas PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${Cblas_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${Cblas_LIBRARY};${CMAKE_DL_LIBS}")
endif()
