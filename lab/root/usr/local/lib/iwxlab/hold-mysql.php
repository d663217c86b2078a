<?php
// Log in to a MariaDB and keep the connections: hold-mysql.php SOCKET USER PASSWORD COUNT
mysqli_report(MYSQLI_REPORT_OFF);
$links = [];
for ($number = 0; $number < (int) $argv[4]; $number++) {
    $links[] = @mysqli_connect('localhost', $argv[2], $argv[3], '', 0, $argv[1]);
}
sleep(86400);
