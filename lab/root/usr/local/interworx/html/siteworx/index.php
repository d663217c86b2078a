<?php
// Stand-in for the SiteWorx login page. Like the panel it needs the panel's PHP and the panel's database;
// the words and the form are made up.
$ini = parse_ini_file('/usr/local/interworx/iworx.ini', true, INI_SCANNER_RAW);
mysqli_report(MYSQLI_REPORT_OFF);
$dsn = trim($ini['iworx']['dsn'], '"');
preg_match('#^mysqli://([^:]+):(.*)@unix\(([^)]+)\)/(\w+)$#', $dsn, $part);
$link = mysqli_init();
$link->options(MYSQLI_OPT_CONNECT_TIMEOUT, 30);
if (!@$link->real_connect('localhost', $part[1], $part[2], $part[4], 0, $part[3])) {
    error_log('iworx database: ' . mysqli_connect_error());
    http_response_code(500);
    exit("<html><head><title>InterWorx</title></head><body><h1>500 Internal Server Error</h1></body></html>\n");
}
header('Cache-Control: no-store');
?>
<!DOCTYPE html>
<!-- stand-in page of a test server; not the vendor's -->
<html lang="en">
<head><meta charset="utf-8"><title>SiteWorx Login - InterWorx</title></head>
<body>
<h1>SiteWorx</h1>
<form method="post" action="/siteworx/?action=login">
<label for="email">Email Address</label><input type="text" id="email" name="email">
<label for="password">Password</label><input type="password" id="password" name="password">
<button type="submit">Login</button>
</form>
<p>InterWorx Control Panel 8.2.0</p>
</body>
</html>
