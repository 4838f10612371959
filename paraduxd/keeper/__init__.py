"""The process that holds secrets; alive only while somebody is authorized."""
